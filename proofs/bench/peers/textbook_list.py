"""A list of workspaces as one would write it: Starlette, and a LIST of the official client for each request.

`python textbook_list.py PORT NAMESPACE`, with KUBECONFIG, until SIGTERM.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from kubernetes import client, config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from guildnet.names import GROUP, VERSION, WORKSPACES


def application(namespace: str) -> Starlette:
    config.load_kube_config()  # type: ignore[no-untyped-call]  # the client's configuration is not typed
    objects = client.CustomObjectsApi()

    def servers(_: Request) -> JSONResponse:
        found: Any = objects.list_namespaced_custom_object(GROUP, VERSION, namespace, WORKSPACES)
        return JSONResponse([server(item) for item in found["items"]])

    return Starlette(routes=[Route("/api/servers", servers)])


def server(item: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of one."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status", {})
    return {
        "id": metadata["name"],
        "name": metadata["name"],
        "image": spec["image"],
        "status": status.get("phase", "Pending").lower(),
        "created_at": metadata.get("creationTimestamp"),
        "ports": [{"port": port["containerPort"]} for port in spec.get("ports", ())],
        "proxy_url": f"/proxy/server/{metadata['name']}/",
    }


if __name__ == "__main__":
    app = application(sys.argv[2])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", access_log=False, log_level="warning")
