"""The faults: how each is planted and taken back, and the check that has to name it."""

from __future__ import annotations

import http.server
import json
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from proofs.doctoring.certificate import self_signed
from support.local import NAMESPACE, RELEASE_NAMESPACE, Local

INSTALL: Final = "guildnet"
_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_PROGRAM: Final = "app.kubernetes.io/component"
Variables = Mapping[str, str]
"""What a planted fault changes of the command's environment."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`check` is the finding of `doctor` that has to be a fault while the context of `planted` lasts."""

    what: str
    check: str
    planted: Callable[[Local], AbstractContextManager[Variables]]


# ---- the way to the install -----------------------------------------------------------------------------------------


def _given(**variables: str) -> Callable[[Local], AbstractContextManager[Variables]]:
    @contextmanager
    def planted(_: Local) -> Iterator[Variables]:
        yield variables

    return planted


@contextmanager
def _another_host(local: Local) -> Iterator[Variables]:
    yield {"GUILDNET_URL": f"http://another.localhost:{urlsplit(local.origin).port}"}


@contextmanager
def _server(status: int, body: bytes, *, seconds_off: float = 0.0, secure: bool = False) -> Iterator[Variables]:
    """Another server than GuildNet, at an address of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            import time

            return formatdate((timestamp or time.time()) + seconds_off, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's own word
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, tempfile.TemporaryDirectory() as folder:
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self_signed(Path(folder), "localhost"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield {"GUILDNET_URL": f"http{'s' if secure else ''}://localhost:{server.server_address[1]}"}
        server.shutdown()


def _served(status: int, body: bytes, **more: Any) -> Callable[[Local], AbstractContextManager[Variables]]:
    return lambda _: _server(status, body, **more)


@contextmanager
def _another_cluster(local: Local) -> Iterator[Variables]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kubeconfig")
        text = Path(local.kubeconfig).read_text()
        server = next(line for line in text.splitlines() if line.strip().startswith("server:"))
        path.write_text(text.replace(server, server.partition("server:")[0] + "server: https://127.0.0.1:1"))
        yield {"KUBECONFIG": str(path)}


# ---- the cluster ----------------------------------------------------------------------------------------------------


def _stopped(component: str) -> Callable[[Local], AbstractContextManager[Variables]]:
    """The Deployment of a part has no pods."""

    @contextmanager
    def planted(local: Local) -> Iterator[Variables]:
        name = f"deployment/{INSTALL}-{component}"
        local.kubectl("-n", RELEASE_NAMESPACE, "scale", name, "--replicas=0")
        gone = (
            "-n",
            RELEASE_NAMESPACE,
            "wait",
            "--for=delete",
            "pod",
            "-l",
            f"{_PROGRAM}={component}",
            "--timeout=60s",
        )
        try:
            local.kubectl(*gone)
            yield {}
        finally:
            local.kubectl("-n", RELEASE_NAMESPACE, "scale", name, "--replicas=1")
            local.kubectl("-n", RELEASE_NAMESPACE, "rollout", "status", name, "--timeout=120s", timeout=130)

    return planted


def _deleted(kind: str, namespace: str, *selection: str) -> Callable[[Local], AbstractContextManager[Variables]]:
    """Objects are gone; they are made again as they were."""

    @contextmanager
    def planted(local: Local) -> Iterator[Variables]:
        found = json.loads(local.kubectl("-n", namespace, "get", kind, *selection, "-o", "json"))
        objects = [_plain(one) for one in found.get("items", [found])]
        if not objects:
            raise RuntimeError(f"there is no {kind} in {namespace} to delete")
        local.kubectl("-n", namespace, "delete", kind, *(one["metadata"]["name"] for one in objects))
        try:
            yield {}
        finally:
            for one in objects:
                local.create(one)

    return planted


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """An object as it may be created again."""
    kept = {
        key: item["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in item["metadata"]
    }
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": kept}


@contextmanager
def _no_default_class(local: Local) -> Iterator[Variables]:
    classes = json.loads(local.kubectl("get", "storageclasses", "-o", "json"))["items"]
    names = [one["metadata"]["name"] for one in classes if one["metadata"].get("annotations", {}).get(_DEFAULT_CLASS)]
    if not names:
        raise RuntimeError("no storage class is the default before it is taken away")
    local.kubectl("annotate", "storageclass", *names, f"{_DEFAULT_CLASS}-")
    try:
        yield {}
    finally:
        local.kubectl("annotate", "storageclass", *names, f"{_DEFAULT_CLASS}=true")


@contextmanager
def _ingress_without_certificate(local: Local) -> Iterator[Variables]:
    backend = {"service": {"name": f"{INSTALL}-proxy", "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    host = "doctor.example.com"
    local.apply({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "doctor-proof", "namespace": RELEASE_NAMESPACE},
        "spec": {"tls": [{"hosts": [host], "secretName": "nobody-made-it"}],
                 "rules": [{"host": host, "http": {"paths": [path]}}]},
    })  # fmt: skip
    try:
        yield {}
    finally:
        local.kubectl("-n", RELEASE_NAMESPACE, "delete", "ingress", "doctor-proof")


@contextmanager
def _no_tailnet_name(local: Local) -> Iterator[Variables]:
    name = f"{INSTALL}-entries"
    data = local.get("configmap", name, RELEASE_NAMESPACE).get("data", {})
    patch = ("-n", RELEASE_NAMESPACE, "patch", "configmap", name, "--type=merge", "-p")
    local.kubectl(*patch, json.dumps({"data": {"tailnet": None}}))
    try:
        yield {}
    finally:
        local.kubectl(*patch, json.dumps({"data": {"tailnet": data["tailnet"]}}))


FAULTS: Final = (
    Fault("a name without an address", "dns", _given(GUILDNET_URL="http://no-such-install.invalid")),
    Fault("a port where nothing listens", "connection", _given(GUILDNET_URL="http://guildnet.localhost:1")),
    Fault("a certificate that nobody trusts", "certificate", _served(200, b"ok", secure=True)),
    Fault("a name that is not of this install", "answer", _another_host),
    Fault("a server that is not GuildNet", "answer", _served(404, b"nothing here")),
    Fault("a clock that is an hour off", "clock", _served(200, b"ok", seconds_off=3600)),
    Fault("a token that is not valid", "login", _given(GUILDNET_TOKEN="not-a-token")),
    Fault("an API server that does not answer", "api-server", _another_cluster),
    Fault("no pod of the api", "api", _stopped("api")),
    Fault("no pod of the operator", "operator", _stopped("operator")),
    Fault("no pod of Valkey", "valkey", _stopped("valkey")),
    Fault("the api without its rights", "rights/api", _deleted("rolebinding", NAMESPACE, f"{INSTALL}-api")),
    Fault("the operator without its rights", "rights/operator",
          _deleted("rolebinding", NAMESPACE, f"{INSTALL}-operator")),
    Fault("the proxy without its rights", "rights/proxy", _deleted("rolebinding", NAMESPACE, f"{INSTALL}-proxy")),
    Fault("no default storage class", "storage", _no_default_class),
    Fault("workspaces without NetworkPolicy", "network-policy", _deleted("networkpolicy", NAMESPACE)),
    Fault("an Ingress whose certificate is not there", "ingress-certificate", _ingress_without_certificate),
    Fault("a tailnet device without a name", "tailnet", _no_tailnet_name),
)  # fmt: skip
