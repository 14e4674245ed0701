"""doctor: each planted fault is named, by the right check, with a fix; a whole install has none."""

from __future__ import annotations

import copy
import json
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Self

import pytest

from guildnet_cli.client import Client
from guildnet_cli.doctor import cluster, install
from guildnet_cli.doctor.finding import FAULT, OK_, Finding
from guildnet_cli.reach.kubectl import KubectlError, RealKubectl

from .conftest import ME, NOBODY, URL, PlayedApi, Run, refusal, reply

Plant = Callable[[PlayedApi, pytest.MonkeyPatch], None]
READY = {name: {"ok": True} for name in ("kubernetes", "crds", "redis", "cache")}


# ---- the install ----------------------------------------------------------------------------------------------------


@pytest.fixture
def whole(api: PlayedApi, monkeypatch: pytest.MonkeyPatch) -> PlayedApi:
    api.on("GET /healthz", lambda _: reply(b"ok", Date=formatdate()))
    api.on("GET /readyz", {"status": "ok", "checks": READY})
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 443))])
    monkeypatch.setattr(socket, "create_connection", lambda *_: nullcontext() and _Socket())
    monkeypatch.setattr(ssl, "create_default_context", lambda: _Context(_date(60)))
    return api


class _Socket:
    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Context:
    """A TLS context whose peer's certificate is valid until a date, or not trusted (an exception)."""

    def __init__(self, until: str | Exception) -> None:
        self._until = until

    def wrap_socket(self, _socket: Any, server_hostname: str) -> _Context:
        if isinstance(self._until, Exception):
            raise self._until
        return self

    def getpeercert(self) -> dict[str, Any]:
        return {"notAfter": self._until}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _date(days: float) -> str:
    return time.strftime("%b %d %H:%M:%S %Y GMT", time.gmtime(time.time() + days * 86400))


def _patched(module: Any, name: str, error: Exception) -> Plant:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return lambda _, monkeypatch: monkeypatch.setattr(module, name, call)


def _certificate(until: str | Exception) -> Plant:
    return lambda _, monkeypatch: monkeypatch.setattr(ssl, "create_default_context", lambda: _Context(until))


def _untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("x")
    error.verify_message = "self-signed certificate"
    return error


def _unready(name: str, message: str) -> Any:
    return reply({"status": "unavailable", "checks": {**READY, name: {"ok": False, "message": message}}}, 503)


FAULTS: dict[str, tuple[str, Plant, str]] = {
    "no DNS": ("dns", _patched(socket, "getaddrinfo", socket.gaierror()), "tailscale status"),
    "no listener": ("connection", _patched(socket, "create_connection", ConnectionRefusedError(111, "no")), "proxy"),
    "untrusted": ("certificate", _certificate(_untrusted()), "SSL_CERT_FILE"),
    "expires": ("certificate", _certificate(_date(3)), "renewal"),
    "other name": ("answer", lambda a, _: a.on("GET /healthz", refusal(421, "unknown_host", "x")), "entries"),
    "api is gone": ("answer", lambda a, _: a.on("GET /healthz", refusal(502, "upstream_refused", "x")), "api's pod"),
    "not GuildNet": ("answer", lambda a, _: a.on("GET /healthz", reply(b"<html>")), "guildnet login"),
    "clock": ("clock", lambda a, _: a.on("GET /healthz", reply(b"ok", Date=formatdate(1e9))), "NTP"),
    "nobody": ("login", lambda a, _: a.on("GET /api/me", NOBODY), "guildnet login"),
    "old token": ("login", lambda a, _: a.on("GET /api/me", refusal(401, "bad_token", "Invalid.")), "--token -"),
    "no rights": ("login", lambda a, _: a.on("GET /api/me", {**ME, "actions": []}), "Capability"),
    "API server": ("kubernetes", lambda a, _: a.on("GET /readyz", _unready("kubernetes", "no answer")), "API server"),
    "kinds": ("crds", lambda a, _: a.on("GET /readyz", _unready("crds", "workspaces")), "crds"),
    "Redis": ("redis", lambda a, _: a.on("GET /readyz", _unready("redis", "no answer: …")), "valkey"),
    "cache": ("cache", lambda a, _: a.on("GET /readyz", _unready("cache", "is being read")), "role"),
}  # fmt: skip


def faults(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.state == FAULT]


def test_a_whole_install_has_no_fault(whole: PlayedApi):
    found = list(install.checks(Client("https://g.example.ts.net")))
    assert {one.state for one in found} == {OK_}
    assert [one.check for one in found] == [
        "dns", "connection", "certificate", "answer", "login", "kubernetes", "crds", "redis", "cache",
    ]  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_the_install_is_named_with_its_fix(whole: PlayedApi, monkeypatch: pytest.MonkeyPatch, case: str):
    check, plant, fix = FAULTS[case]
    plant(whole, monkeypatch)
    found = faults(list(install.checks(Client("https://g.example.ts.net"))))
    assert [one.check for one in found] == [check]
    assert fix in found[0].fix


def test_redis_that_is_not_wanted_is_no_fault(whole: PlayedApi):
    whole.on("GET /readyz", _unready("redis", "not configured: every replica follows logs for itself"))
    assert faults(list(install.checks(Client(URL)))) == []


# ---- the cluster ----------------------------------------------------------------------------------------------------


def deployment(
    component: str, *, env: dict[str, str] | None = None, containers: tuple[str, ...] = ("main",)
) -> dict[str, Any]:
    pod = {
        "serviceAccountName": f"guildnet-{component}",
        "containers": [
            {"name": name, "env": [{"name": k, "value": v} for k, v in (env or {}).items()]} for name in containers
        ],
    }
    labels = {"app.kubernetes.io/component": component}
    return {
        "metadata": {"name": f"guildnet-{component}", "namespace": "guildnet", "labels": labels},
        "spec": {"replicas": 1, "template": {"spec": pod}},
        "status": {"availableReplicas": 1},
    }


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **more}


ESTABLISHED = {"conditions": [{"type": "Established", "status": "True"}]}
WORKSPACES = {"K8S_NAMESPACE": "guildnet-workspaces"}
OBJECTS: dict[str, list[dict[str, Any]]] = {
    "customresourcedefinitions": [named(name, status=ESTABLISHED) for name in cluster.CRDS],
    "deployments": [
        deployment("api", env=WORKSPACES), deployment("operator", env=WORKSPACES), deployment("valkey"),
        deployment("proxy", env=WORKSPACES, containers=("proxy", "tailscale")),
    ],
    "configmaps": [named("guildnet-entries", data={"tailnet": "guildnet.example.ts.net"})],
    "storageclasses": [{"metadata": {"name": "fast", "annotations": {cluster._DEFAULT_CLASS: "true"}}}],
    "networkpolicies": [named("guildnet-workspaces")],
    "daemonsets": [named("calico-node", spec={"template": {"spec": {"containers": [{"name": "calico-node"}]}}})],
    "ingresses": [named("guildnet", spec={"tls": [{"secretName": "guildnet-tls"}]})],
}  # fmt: skip


@dataclass
class PlayedKubectl:
    """Answers from objects by resource; `denied` are "ACCOUNT VERB RESOURCE" that are not allowed."""

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: copy.deepcopy(OBJECTS))
    version: str = "35"
    denied: frozenset[str] = frozenset()
    secrets: str = "secret/guildnet-tls\n"
    broken: str = ""

    def text(self, *arguments: str) -> str:
        if self.broken:
            raise KubectlError(self.broken)
        if arguments[0] == "version":
            return json.dumps({"serverVersion": {"major": "1", "minor": self.version}})
        if arguments[:2] == ("auth", "can-i"):
            account = next(one for one in arguments if one.startswith("--as=")).rpartition("-")[2]
            if f"{account} {arguments[2]} {arguments[3]}" in self.denied:
                raise KubectlError("no")
            return "yes\n"
        if arguments[1] == "secrets":
            return self.secrets
        return json.dumps({"items": self.objects[arguments[1]]})


def _without(resource: str, component: str = "") -> Callable[[PlayedKubectl], None]:
    def plant(kubectl: PlayedKubectl) -> None:
        label = "app.kubernetes.io/component"
        kept = [one for one in kubectl.objects[resource] if one["metadata"].get("labels", {}).get(label) != component]
        kubectl.objects[resource] = kept if component else []

    return plant


def _set(**values: Any) -> Callable[[PlayedKubectl], None]:
    def plant(kubectl: PlayedKubectl) -> None:
        for name, value in values.items():
            setattr(kubectl, name, value)

    return plant


def _unavailable(component: str) -> Callable[[PlayedKubectl], None]:
    def plant(kubectl: PlayedKubectl) -> None:
        for one in kubectl.objects["deployments"]:
            if one["metadata"]["labels"]["app.kubernetes.io/component"] == component:
                one["status"] = {}

    return plant


def _one_class(kubectl: PlayedKubectl) -> None:
    kubectl.objects["storageclasses"] = [named("slow")]


def _not_established(kubectl: PlayedKubectl) -> None:
    kubectl.objects["customresourcedefinitions"][1]["status"] = {}


CLUSTER_FAULTS: dict[str, tuple[str, Callable[[PlayedKubectl], None], str]] = {
    "no kubectl": ("api-server", _set(broken="kubectl is not on PATH"), "install kubectl"),
    "no API server": ("api-server", _set(broken="connection refused"), "kubeconfig"),
    "old Kubernetes": ("api-server", _set(version="29+"), "upgrade"),
    "no kinds": ("kinds", _without("customresourcedefinitions"), "crds.enabled"),
    "kinds not established": ("kinds", _not_established, "describe crd"),
    "no proxy": ("proxy", _without("deployments", "proxy"), "helm upgrade"),
    "api down": ("api", _unavailable("api"), "describe pods"),
    "operator down": ("operator", _unavailable("operator"), "describe pods"),
    "Redis down": ("valkey", _unavailable("valkey"), "describe pods"),
    "api lacks one": ("rights/api", _set(denied=frozenset({"api create workspaces.guildnet.io"})), "helm upgrade"),
    "operator lacks one": ("rights/operator", _set(denied=frozenset({"operator create services"})), "helm upgrade"),
    "no tailnet name": ("tailnet", _without("configmaps"), "-c tailscale"),
    "no storage class": ("storage", _without("storageclasses"), "provisioner"),
    "no default class": ("storage", _one_class, "annotate storageclass slow"),
    "no NetworkPolicy": ("network-policy", _without("networkpolicies"), "workspaces.networkPolicy.enabled"),
    "no certificate": ("ingress-certificate", _set(secrets="secret/other\n"), "cert-manager"),
}  # fmt: skip


def test_a_whole_cluster_has_no_fault():
    found = list(cluster.checks(PlayedKubectl()))
    assert {one.state for one in found} == {OK_}
    assert len(found) == 14


@pytest.mark.parametrize("case", CLUSTER_FAULTS)
def test_a_fault_of_the_cluster_is_named_with_its_fix(case: str):
    check, plant, fix = CLUSTER_FAULTS[case]
    kubectl = PlayedKubectl()
    plant(kubectl)
    found = faults(list(cluster.checks(kubectl)))
    assert check in [one.check for one in found]
    assert len(found) == 1
    assert fix in found[0].fix


def test_policies_that_nobody_is_known_to_enforce_are_told():
    kubectl = PlayedKubectl()
    kubectl.objects["daemonsets"] = []
    found = next(one for one in cluster.checks(kubectl) if one.check == "network-enforced")
    assert (found.state, "Calico" in found.fix) == ("unknown", True)


def test_an_install_that_is_not_there_is_told_and_nothing_guessed():
    kubectl = PlayedKubectl()
    kubectl.objects["deployments"] = []
    assert [one.check for one in faults(list(cluster.checks(kubectl)))] == ["api", "proxy", "operator"]


def test_whoever_may_not_read_the_cluster_is_told_so():
    class Forbidden(PlayedKubectl):
        def text(self, *arguments: str) -> str:
            if arguments[1] == "deployments":
                raise KubectlError("deployments.apps is forbidden")
            return super().text(*arguments)

    found = list(cluster.checks(Forbidden()))
    assert found[-1] == Finding("cluster", "unknown", "kubectl: deployments.apps is forbidden", found[-1].fix)


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("logged_in")
def test_doctor_prints_each_check_and_fails_where_there_is_a_fault(run: Run, whole: PlayedApi):
    done = run("doctor")
    assert (done.code, "0 faults" in done.err, "without KUBECONFIG" in done.err) == (0, True, True)
    whole.on("GET /readyz", _unready("redis", "no answer: x"))
    done = run("doctor")
    assert done.code == 1
    assert [line.split()[:2] for line in done.out.splitlines() if line.startswith("fault")] == [["fault", "redis"]]
    assert "fix: look at the valkey pod" in done.out
    row = next(one for one in json.loads(run("doctor", "-o", "json").out) if one["check"] == "redis")
    assert row["state"] == "fault"


def test_doctor_works_before_anybody_logged_in(run: Run):
    done = run("doctor")
    assert (done.code, "fault   install" in done.out, "fix: guildnet login URL" in done.out) == (1, True, True)


@pytest.mark.usefixtures("logged_in")
def test_doctor_asks_the_cluster_where_there_is_a_kubeconfig(
    run: Run, whole: PlayedApi, monkeypatch: pytest.MonkeyPatch
):
    given = []

    def real(kubeconfig: str) -> PlayedKubectl:
        given.append(kubeconfig)
        return PlayedKubectl()

    monkeypatch.setattr("guildnet_cli.doctor.run.RealKubectl", real)
    assert "network-enforced" in run("doctor", "--kubeconfig", "/some/file").out
    monkeypatch.setenv("KUBECONFIG", "/other")
    assert run("doctor").code == 0
    assert given == ["/some/file", ""]


def test_kubectl_is_run_with_the_kubeconfig_and_its_words_are_kept(tmp_path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "kubectl"
    program.write_text('#!/bin/sh\necho "$@"\n[ "$4" != fail ] || { echo first >&2; echo "last words" >&2; exit 1; }\n')
    program.chmod(0o755)
    kubectl = RealKubectl("/k", str(program))
    assert kubectl.text("get", "pods") == "--kubeconfig /k --request-timeout=10s get pods\n"
    with pytest.raises(KubectlError, match=r"^last words$"):
        kubectl.text("fail")
    with pytest.raises(KubectlError, match="not on PATH"):
        RealKubectl("", str(tmp_path / "none")).text("get")
