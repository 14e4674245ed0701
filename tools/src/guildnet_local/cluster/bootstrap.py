"""The bare cluster, step by step: namespaces, certificates, control plane, container runtime, node, DNS.

Every step may be run again: it keeps what is there, restarts what ended or changed, and completes what is half-made.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from guildnet_local.cluster import controlplane, dns, node, pki, storage, tailnet
from guildnet_local.cluster.direct import Direct
from guildnet_local.cluster.kubectl import Kubectl, KubectlError, is_rolled_out
from guildnet_local.machine import cgroups, namespaces, process, relay
from guildnet_local.machine.journal import Journal
from guildnet_local.machine.process import Place, Processes, Program, Record
from guildnet_local.machine.waiting import answers, until
from guildnet_local.settings import API_PORT, FRONT_DOOR_IP, NODE_IP, NODE_NAME, SOCKS_PORT, LocalError, Settings

# How long a step that ends by itself is tried again when it fails.
ONCE_SECONDS = 60.0
# The tag under which the sandbox image is known to containerd, whatever its content.
PAUSE = "docker.io/guildnet/pause:local"


@dataclass
class Cluster:
    """The cluster of one machine: settings and journal, and the programs once they are known."""

    settings: Settings
    journal: Journal
    programs: Mapping[str, Path]

    @cached_property
    def processes(self) -> Processes:
        place = Place(cgroups.tasks(), self.settings.netns, self.settings.mount_namespace)
        return Processes(self.settings.processes, self.settings.logs, place)

    @cached_property
    def kubectl(self) -> Kubectl:
        return of_cluster(self.settings)

    def start(self, program: Program) -> Record:
        """The running program; written down before it is started."""
        self.journal.intend("process", name=program.name)
        return self.processes.ensure(program)[0]

    # ---- steps ----

    def make_namespaces(self) -> str | None:
        settings = self.settings
        for directory in (settings.logs, settings.processes, settings.config, settings.audit_log.parent):
            directory.mkdir(parents=True, exist_ok=True)
        namespaces.make_network(settings, self.journal)
        namespaces.make_mounts(settings, self.journal)
        self.journal.intend("cgroup")
        cgroups.make()
        return None

    def make_certificates(self) -> str | None:
        settings = self.settings
        pki.make(settings.pki)
        settings.config.mkdir(parents=True, exist_ok=True)
        for name in ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"):
            pki.write_kubeconfig(settings.config / f"{name}.kubeconfig", settings.pki, name, controlplane.SERVER)
        pki.write_kubeconfig(settings.kubeconfig, settings.pki, "admin", settings.api_url)
        return None

    def open_relays(self) -> str | None:
        ports = self.settings.ports
        routes = (
            relay.Route(ports.api, NODE_IP, API_PORT),
            relay.Route(ports.front, FRONT_DOOR_IP, 80),
            relay.Route(ports.socks, NODE_IP, SOCKS_PORT),
        )
        argv = (sys.executable, "-m", "guildnet_local.machine.relay", str(self.settings.netns), *map(str, routes))
        self.start(Program("relay", argv, env={"PYTHONDONTWRITEBYTECODE": "1"}, inside=False))
        return ", ".join(f"127.0.0.1:{route.port}" for route in routes)

    def start_control_plane(self) -> str | None:
        settings, programs = self.settings, self.programs
        _place(settings.config / "audit-policy.yaml", yaml.safe_dump(dict(controlplane.AUDIT_POLICY)))
        etcd = self.start(controlplane.etcd(settings, programs["etcd"]))
        server = self.start(controlplane.api_server(settings, programs["kube-apiserver"]))
        until(self.api_is_ready, "the API server is ready", seconds=60, of=(etcd, server))
        self.start(controlplane.controller_manager(settings, programs["kube-controller-manager"]))
        self.start(controlplane.scheduler(settings, programs["kube-scheduler"]))
        return None

    def api_is_ready(self) -> bool:
        return answers(f"{self.settings.api_url}/readyz", self.settings.pki / "ca.crt")

    def start_runtime(self) -> str | None:
        settings = self.settings
        for path, text in node.files(settings, PAUSE).items():
            _place(path, text)
        runtime = self.start(node.containerd(settings, PAUSE))
        until(self._containerd_answers, "containerd answers", seconds=60, of=(runtime,))
        return None

    def _containerd_answers(self) -> bool:
        command = ["ctr", f"--address={self.settings.containerd_socket}", "--connect-timeout=2s", "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def start_node(self) -> str | None:
        """kubelet and kube-proxy; returns when the node is Ready."""
        kubelet = self.start(node.kubelet(self.settings, self.programs["kubelet"]))
        proxy = self.start(node.kube_proxy(self.settings, self.programs["kube-proxy"]))
        trouble: list[str] = []

        def ready() -> bool:
            trouble[:] = self._node_trouble(since=kubelet.since)
            return not trouble

        try:
            until(ready, "the node is Ready", seconds=90, of=(kubelet, proxy))
        except LocalError as problem:
            raise LocalError(f"{'; '.join(trouble)}\n{problem}") from problem
        return None

    def _node_trouble(self, since: float) -> list[str]:
        """Why the node is not Ready; a report of a kubelet that ran before `since` counts as none."""
        try:
            found = self.kubectl.get("nodes", NODE_NAME)
        except KubectlError as problem:
            return [str(problem)]
        ready = next((c for c in found.get("status", {}).get("conditions", ()) if c["type"] == "Ready"), None)
        if ready is None:
            return ["the node has not reported yet"]
        trouble = [f"the node has the taint {taint['key']}" for taint in found["spec"].get("taints", ())]
        if ready["status"] != "True":
            trouble.append(f"Ready is {ready['status']}: {ready.get('message', '')}")
        # Heartbeats are in whole seconds.
        if dt.datetime.fromisoformat(ready["lastHeartbeatTime"]).timestamp() < int(since):
            trouble.append(f"last heard of at {ready['lastHeartbeatTime']}")
        return trouble

    def apply_dns(self, image: str) -> str | None:
        self.kubectl.apply(dns.manifests(image))
        return None

    def await_dns(self) -> str | None:
        self._await("kube-system", "coredns")
        return None

    def _await(self, namespace: str, deployment: str) -> None:
        """Wait until a Deployment has its pods. What it is right after it was applied may not be answered yet."""

        def is_there() -> bool:
            return is_rolled_out(self.kubectl.get("deployments", deployment, namespace=namespace))

        until(is_there, f"{namespace}/{deployment} runs", seconds=90)

    def await_storage(self) -> str | None:
        self._await(storage.NAMESPACE, storage.NAME)
        return f"class {storage.CLASS}"

    def start_tailnet(self) -> str | None:
        """The test tailnet: control server, certificate authority, second device; each ready before the next."""
        settings = self.settings
        for spec in tailnet.processes(self.programs, settings.tailnet, NODE_IP):
            name = spec["name"]
            check = ["nsenter", f"--net={settings.netns}", "--", *spec["ready_check"]]
            if spec["once"]:
                self._run_once(name, spec["argv"], spec["env"])
                continue
            program = Program(name, tuple(spec["argv"]), spec["env"])
            record = self.start(program)
            until(lambda check=check: _succeeds(check), f"{name} serves", seconds=60, of=(record,))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        return None

    def _run_once(self, name: str, argv: list[str], env: Mapping[str, str]) -> None:
        """Run a step that ends by itself; when it fails, again for ONCE_SECONDS.

        A device that was just restarted first tries its old key, and takes the refusal of that for its answer.
        """
        deadline = time.monotonic() + ONCE_SECONDS
        while True:
            done = subprocess.run(
                ["nsenter", f"--net={self.settings.netns}", "--", *argv],
                env={**process.ENVIRONMENT, **env},
                capture_output=True,
                text=True,
                check=False,
                timeout=90,
            )
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise LocalError(f"{name} failed: {(done.stderr or done.stdout).strip()}")
            time.sleep(0.5)


def of_cluster(settings: Settings) -> Kubectl:
    """The calls of the local cluster."""
    return Direct(kubeconfig=settings.kubeconfig, url=settings.api_url, pki=settings.pki)


def _place(path: Path, text: str) -> None:
    """Write a configuration file, unless it says so already: kube-proxy ends when its file is written to at all."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0
