"""A real etcd and kube-apiserver on loopback, with RBAC and our CRDs, for one test run.

No scheduler and no kubelet, so nothing ever runs: tests write pods and their status by hand. With `controllers` a real
kube-controller-manager works on it too (Deployments get ReplicaSets and Pods, Services get EndpointSlices, deleted
owners take their children along, deleted namespaces go).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import shutil
import ssl
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from guildnet.errors import Conflict, GuildNetError
from guildnet.kube.client import Client, connect
from guildnet.kube.resources import CRDS, NAMESPACES, SERVICEACCOUNTS, path
from support.process import Process, free_port
from support.waiting import eventually

CRD_FILES = sorted((Path(__file__).parents[2] / "crds").glob("*.yaml"))
ADMIN_TOKEN = "admin-of-the-test-run"
PROGRAMS = ("etcd", "kube-apiserver")
CONTROLLER_PROGRAMS = (*PROGRAMS, "kube-controller-manager")
_START_SECONDS = 180.0
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where it listens and how to be its admin."""

    url: str
    directory: Path
    kubeconfig: Path

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    def kubeconfig_for(self, token: str, name: str) -> Path:
        """A kubeconfig for another account's token (see `service_account_token`)."""
        return write_kubeconfig(self.directory / f"kubeconfig-{name}", self.url, self.ca, token)


class _EndedError(RuntimeError):
    """A program ended instead of becoming ready."""


class Servers:
    """The processes behind an ApiServer; made, stopped and restarted by one owner."""

    def __init__(
        self, directory: Path, programs: Mapping[str, Path], *, controllers: bool = False, audit: bool = False
    ) -> None:
        self.directory = directory
        self.programs = programs
        self.controllers = controllers
        self.audit = audit
        self.node_grace: int | None = None
        """Seconds after which a node that does not report is lost; None: nothing watches over nodes."""
        self.processes: list[Process] = []
        self._choose_ports()

    def _choose_ports(self) -> None:
        self.etcd_port, self.peer_port, self.port = free_port(), free_port(), free_port()
        self.server = ApiServer(f"https://127.0.0.1:{self.port}", self.directory, self.directory / "kubeconfig")

    def start(self) -> ApiServer:
        """Start everything and wait until it is ready and the CRDs are served."""
        self.directory.mkdir(parents=True, exist_ok=True)
        _write_pki(self.directory)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._started()
            except _EndedError:
                # Most likely another program was given one of the ports between asking for it and binding it.
                self.stop()
                shutil.rmtree(self.directory / "etcd", ignore_errors=True)
                if attempt == _ATTEMPTS:
                    raise
                self._choose_ports()
        raise AssertionError("not reached")

    def _started(self) -> ApiServer:
        write_kubeconfig(self.server.kubeconfig, self.server.url, self.server.ca, ADMIN_TOKEN)
        self.start_etcd()
        self.start_apiserver()
        asyncio.run(self._until_ready())
        if self.controllers:
            self._run("kube-controller-manager", *self._controller_flags())
        return self.server

    def start_etcd(self) -> Process:
        return self._run("etcd", *self._etcd_flags())

    def start_apiserver(self) -> Process:
        return self._run("kube-apiserver", *self._apiserver_flags())

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()
        self.processes.clear()

    def _run(self, name: str, *flags: str) -> Process:
        process = Process([self.programs[name], *flags], self.directory / f"{name}.log")
        self.processes.append(process)
        return process

    async def _until_ready(self) -> None:
        def answers() -> bool:
            for process in self.processes:
                if not process.running:
                    raise _EndedError(process.tail())
            return ready(self.server)

        try:
            await eventually(answers, within=_START_SECONDS, every=0.1)
        except AssertionError as error:
            raise RuntimeError("\n".join([str(error), *(process.tail() for process in self.processes)])) from None
        async with connect(str(self.server.kubeconfig)) as client:
            await install_crds(client)

    def _etcd_flags(self) -> tuple[str, ...]:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        return (
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=error",
        )

    @property
    def audit_log(self) -> Path:
        """One JSON object a line for every finished request, where `audit` asked for it (audit.k8s.io/v1)."""
        return self.directory / "audit.log"

    def _audit_flags(self) -> tuple[str, ...]:
        if not self.audit:
            return ()
        policy = self.directory / "audit-policy.yaml"
        rule = {"level": "Metadata", "omitStages": ["RequestReceived"]}
        policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [rule]}))
        return (f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}", "--audit-log-mode=blocking")

    def _apiserver_flags(self) -> tuple[str, ...]:
        pki = self.directory
        return (
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={pki / 'server.pem'}",
            f"--tls-private-key-file={pki / 'server.key'}",
            f"--cert-dir={pki / 'apiserver'}",
            f"--token-auth-file={pki / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'accounts.pub'}",
            f"--service-account-signing-key-file={pki / 'accounts.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # Pods written by hand have no account of their namespace to wait for.
            "--disable-admission-plugins=ServiceAccount",
            "--shutdown-delay-duration=0s",
            "--v=0",
            *self._audit_flags(),
        )

    def _controller_flags(self) -> tuple[str, ...]:
        # Most tests have no nodes: these would take the pods that they bind to one for lost and delete them.
        controllers = "*,-node-lifecycle-controller,-pod-garbage-collector-controller"
        nodes: tuple[str, ...] = ()
        if self.node_grace is not None:
            controllers = "*"
            nodes = (f"--node-monitor-grace-period={self.node_grace}s", "--node-monitor-period=1s")
        return (
            *nodes,
            f"--kubeconfig={self.server.kubeconfig}",
            f"--root-ca-file={self.server.ca}",
            f"--service-account-private-key-file={self.directory / 'accounts.key'}",
            "--leader-elect=false",
            f"--controllers={controllers}",
            # Its default of 20 requests a second is what tests of many workspaces would wait for.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--secure-port=0",
            "--v=0",
        )


def ready(server: ApiServer) -> bool:
    """Does /readyz say yes?"""
    request = urllib.request.Request(f"{server.url}/readyz", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    try:
        context = ssl.create_default_context(cafile=server.ca)
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def install_crds(client: Client) -> None:
    """Apply our CRDs and wait until the API server serves them."""
    for file in CRD_FILES:
        crd: dict[str, Any] = yaml.safe_load(file.read_text())
        name = crd["metadata"]["name"]
        await client.apply(CRDS, None, name, crd, "tests")
        await eventually(partial(_served, client, name), within=20)


async def _served(client: Client, name: str) -> bool:
    """Established, and past the second in which a list is answered "storage is (re)initializing"."""
    plural, _, group = name.partition(".")
    try:
        found = await client.get(CRDS, None, name)
        await client.request("GET", f"/apis/{group}/v1alpha1/{plural}")
    except GuildNetError:
        return False
    # Fresh from the first write its status says null.
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


SERVED: Final = {"app.kubernetes.io/part-of": "guildnet"}
"""Labels of a namespace in which an install looks after Workspaces: admission policies of others let it alone."""


async def make_namespace(client: Client, labels: Mapping[str, str] = SERVED) -> str:
    """A fresh namespace. Nobody deletes it: the whole API server goes at the end of the run."""
    name = f"t-{secrets.token_hex(4)}"
    await client.create(NAMESPACES, None, {"metadata": {"name": name, "labels": dict(labels)}})
    return name


async def service_account_token(
    client: Client, namespace: str, name: str, *, audiences: tuple[str, ...] = (), seconds: int = 3600
) -> str:
    """A token of a service account, which is made where it is missing."""
    with suppress(Conflict):
        await client.create(SERVICEACCOUNTS, namespace, {"metadata": {"name": name}})
    wanted = {"spec": {"audiences": list(audiences) or None, "expirationSeconds": seconds}}
    answer = await client.request("POST", path(SERVICEACCOUNTS, namespace, name, "token"), body=wanted)
    return str(answer["status"]["token"])


def write_kubeconfig(target: Path, url: str, ca: Path, token: str) -> Path:
    """A kubeconfig with one context; the CA goes inside, so that the file can be used anywhere."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file)
    return target


def _write_pki(directory: Path) -> None:
    if (directory / "server.pem").exists():
        return
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    server = authority.issue_cert("127.0.0.1", "localhost", "kubernetes.default.svc")
    server.private_key_pem.write_to_path(str(directory / "server.key"))
    (directory / "server.pem").write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (directory / "accounts.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (directory / "accounts.pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (directory / "tokens.csv").write_text(f'{ADMIN_TOKEN},test-admin,test-admin,"system:masters"\n')
