"""The local cluster's API asked without a kubectl, so that `up` need not wait for one to be compiled.

It can what an `up` needs of kubectl and no more. All else a real kubectl does, built where there is none.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from guildnet_local.cluster.kubectl import FIELD_MANAGER, Kubectl, KubectlError

SECONDS = 60
# Where the kinds are served that are asked for by their name.
PLACES: Mapping[str, str] = {
    "nodes": "/api/v1",
    "pods": "/api/v1",
    "secrets": "/api/v1",
    "deployments": "/apis/apps/v1",
    "workspaces.guildnet.io": "/apis/guildnet.io/v1alpha1",
}


@dataclass(frozen=True)
class Direct(Kubectl):
    """Calls of the API server at `url`, as the subject `admin` of the certificates in `pki`.

    Raises KubectlError with what the server said, as kubectl's calls do.
    """

    url: str = ""
    pki: Path = Path()

    def get(self, kind: str, name: str = "", *, namespace: str = "") -> Any:
        return self._ask("GET", _path(PLACES[kind], kind.partition(".")[0], namespace, name))

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        known: dict[str, list[dict[str, Any]]] = {}
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
        for one in objects:
            version, meta = one["apiVersion"], one["metadata"]
            place = f"/apis/{version}" if "/" in version else f"/api/{version}"
            if place not in known:
                known[place] = self._ask("GET", place)["resources"]
            of_kind = (found for found in known[place] if found["kind"] == one["kind"] and "/" not in found["name"])
            if (resource := next(of_kind, None)) is None:
                raise KubectlError(f"{place} serves no {one['kind']}")
            namespace = meta.get("namespace", "default") if resource["namespaced"] else ""
            self._ask("PATCH", f"{_path(place, resource['name'], namespace, meta['name'])}?{query}", one)

    def delete(self, kind: str, *, namespace: str, selector: str) -> None:
        self._ask("DELETE", f"{_path(PLACES[kind], kind, namespace)}?{urlencode({'labelSelector': selector})}")

    def token(self, namespace: str, account: str, *, audience: str, hours: int) -> str:
        wanted = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": hours * 3600},
        }
        path = f"{_path('/api/v1', 'serviceaccounts', namespace, account)}/token"
        return str(self._ask("POST", path, wanted)["status"]["token"])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        request = urllib.request.Request(  # noqa: S310  of our own API server
            self.url + path, None if body is None else json.dumps(body).encode(), {"Content-Type": kind}, method=method
        )
        try:
            handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trust())
            with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            with problem:
                raise KubectlError(f"{method} {path}: {_said(problem)}") from problem
        except (OSError, http.client.HTTPException) as problem:
            raise KubectlError(f"{method} {path}: {problem}") from problem

    def _trust(self) -> ssl.SSLContext:
        """Whom to believe, and who we are."""
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        return context


def _path(place: str, plural: str, namespace: str = "", name: str = "") -> str:
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{place}{inside}/{plural}" + (f"/{name}" if name else "")


def _said(problem: urllib.error.HTTPError) -> str:
    """The message of the Status that an API server answers, or the reason of the answer."""
    try:
        return str(json.load(problem)["message"])
    except (ValueError, KeyError, TypeError):
        return f"{problem.code} {problem.reason}"
