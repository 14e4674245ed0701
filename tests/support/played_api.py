"""The api's application in this process, before a played cluster: no socket, no watch, the real client's refusals."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from guildnet import workspace
from guildnet.audit import Writer
from guildnet.identity import HEADER, Identity, sign
from guildnet.kube import errors, requests
from guildnet.kube.client import Client
from guildnet.web.entries import Entry
from guildnet_api import app
from guildnet_api.access.audit import AuditTrail
from guildnet_api.cluster import pods
from guildnet_api.deps import Services
from guildnet_api.http.event_stream import CONNECTION, Streaming
from guildnet_api.http.static import Ui
from guildnet_api.settings import Settings
from support.openapi import require

KEY = b"k" * 32
NAMESPACE = "workspaces"
LOCAL = Entry("local", "http://guildnet.localhost:8080", "host")
ALICE = Identity("user", "alice@example.com", "Alice", source="tailnet", entry=LOCAL)
NOBODY = Identity("anonymous", source="none", entry=LOCAL)

Json = dict[str, Any]
Refuse = Callable[[str, str], tuple[int, bytes] | None]
"""What the API server answers to a method and path instead of doing it: status and body."""


def status(code: int, reason: str, message: str, **details: Any) -> bytes:
    """A Kubernetes Status as the body of a refusal."""
    return json.dumps(
        {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details}
    ).encode()


class PlayedCluster(Client):
    """A client whose API server is a dictionary by path; `lines` is the log of every container."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.requests: list[tuple[str, str]] = []
        self.refuse: Refuse = lambda _method, _path: None
        self.lines: list[bytes] = []
        self.changed: Callable[[Json], None] = lambda _: None
        self.gone: Callable[[Json], None] = lambda _: None
        self.streamed: list[Mapping[str, Any]] = []
        self._version = 100

    async def request(self, method: str, path: str, **options: Any) -> Json:
        self.requests.append((method, path))
        self._check(method, path)
        if path == "/version":
            return {"major": "1"}
        body = options.get("body") or {}
        if method == "GET" and path.endswith(("/workspaces", "/secrets")):
            selector = (options.get("query") or {}).get("labelSelector") or ""
            return {"items": [item for key, item in self.objects.items() if _in(path, selector, key, item)]}
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
        known = self.objects.get(path)
        kind, _, name = path.rpartition("/")
        about = {"kind": kind.rpartition("/")[2], "name": name}
        if method == "POST":
            if known is not None:
                raise errors.from_answer(409, status(409, "AlreadyExists", f"{name} already exists", **about))
            return self._put(path, {**body, "metadata": {"uid": f"{name}-uid", **body["metadata"]}})
        if known is None:
            raise errors.from_answer(404, status(404, "NotFound", f'{about["kind"]} "{name}" not found', **about))
        if method == "GET":
            return known
        if method == "DELETE":
            del self.objects[path]
            self.gone(known)
            return {}
        return self._put(path, merged(known, body))

    async def stream(self, path: str, query: Any = None, **_: Any) -> AsyncGenerator[bytes, None]:
        self.requests.append(("GET", path))
        self.streamed.append(query or {})
        self._check("GET", path)
        for line in self.lines:
            yield line

    def _check(self, method: str, path: str) -> None:
        refused = self.refuse(method, path)
        if refused is not None and not refused[0]:
            raise requests.unreachable(method, path, OSError("Cannot connect to host 10.96.0.1:443"))
        if refused is not None:
            raise errors.from_answer(*refused)

    def _put(self, path: str, item: Json) -> Json:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = item
        self.changed(item)
        return item


def _in(collection: str, selector: str, key: str, item: Json) -> bool:
    name, _, value = selector.partition("=")
    return key.startswith(f"{collection}/") and (not name or item["metadata"].get("labels", {}).get(name) == value)


def merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), value)
    return kept


class _NoConnection:
    """A connection that takes everything and is never lost."""

    def when_lost(self, call: Callable[[], None] | None) -> None: ...

    def abort(self) -> None: ...

    def write(self, chunk: bytes) -> bool:
        return False


@dataclass
class PlayedApi:
    """The application, its parts, and what it wrote into the audit trail."""

    services: Services
    cluster: PlayedCluster
    audit: list[Json] = field(default_factory=list)
    identity: Identity = ALICE
    transport: httpx2.ASGITransport | None = None

    async def ask(self, method: str, target: str, **options: Any) -> httpx2.Response:
        path = httpx2.URL(f"http://api{target}").raw_path.partition(b"?")[0].decode()
        signed = {HEADER: sign(self.identity, KEY, method=method, path=path, now=time.time())}
        headers = {**signed, **options.pop("headers", {})}
        async with httpx2.AsyncClient(transport=self.transport, base_url="http://api") as client:
            return require(method, target, await client.request(method, target, headers=headers, **options))

    def workspace(self, name: str, **spec: Any) -> Json:
        meta = {
            "name": name, "namespace": NAMESPACE, "uid": f"{name}-uid", "labels": spec.pop("labels", {}),
            "annotations": {"guildnet.io/owner": spec.pop("owner", "alice@example.com")},
        }  # fmt: skip
        path = f"/apis/guildnet.io/v1alpha1/namespaces/{NAMESPACE}/workspaces/{name}"
        return self.cluster._put(path, {"metadata": meta, "spec": {"image": "acme/tool:1", **spec}})

    def pod(self, name: str, *, secret: str = "") -> None:
        """A running pod of the workspace, with one container, whose env refers to a Secret."""
        env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": secret, "key": "x"}}}] if secret else []
        state = {"name": "main", "state": {"running": {}}, "restartCount": 0}
        labels = {"guildnet.io/workspace": name, "guildnet.io/workspace-uid": f"{name}-uid"}
        obj = {
            "metadata": {"name": f"{name}-1", "uid": f"{name}-pod", "labels": labels, "resourceVersion": "1"},
            "spec": {"containers": [{"name": "main", "env": env}]},
            "status": {"phase": "Running", "containerStatuses": [state]},
        }  # fmt: skip
        self.services.watches.index.put_pod(pods.parse(obj))


def played_api(directory: Path, *, write: Callable[[str], None] | None = None, **settings: Any) -> PlayedApi:
    """An api whose watches have their lists."""
    key = directory / "identity"
    key.write_bytes(KEY)
    given = Settings(k8s_namespace=NAMESPACE, identity_key_file=key, **settings)
    cluster, audit = PlayedCluster(), list[Json]()
    trail = AuditTrail(Writer("api", write or (lambda line: audit.append(json.loads(line)))))
    services, _ = app.compose(given, cluster, None, release="1.2.3", audit=trail)
    watches = services.watches
    for reflector in (watches._workspaces, watches._pods, watches._capabilities):
        reflector.synced.set()
        reflector._seen = time.monotonic()
    kinds = {"Workspace", None}
    cluster.changed = lambda item: (
        watches.index.put_workspace(workspace.parse(item)) if item.get("kind") in kinds else None
    )
    cluster.gone = lambda item: watches.index.drop_workspace(item["metadata"]["name"])
    served = Streaming(app.application(services, Ui({})))

    async def connected(scope: Any, receive: Any, send: Any) -> None:
        scope[CONNECTION] = _NoConnection()
        await served(scope, receive, send)

    return PlayedApi(services, cluster, audit, transport=httpx2.ASGITransport(connected, raise_app_exceptions=False))
