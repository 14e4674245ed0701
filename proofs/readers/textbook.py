"""A list of Workspaces as the official client's documentation teaches it: each request lists them in the cluster.

`python -m proofs.readers.textbook PORT NAMESPACE`, with KUBECONFIG set. It shows less of each than the api does, and
asks no rules.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import kubernetes
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

NAMESPACE = sys.argv[2] if len(sys.argv) > 2 else ""


def _servers() -> list[dict[str, str]]:
    found: Any = kubernetes.client.CustomObjectsApi().list_namespaced_custom_object(
        "guildnet.io", "v1alpha1", NAMESPACE, "workspaces"
    )
    return [
        {
            "id": item["metadata"]["name"],
            "image": item["spec"]["image"],
            "owner": item["metadata"].get("annotations", {}).get("guildnet.io/owner", ""),
            "status": item.get("status", {}).get("phase", "Pending"),
        }
        for item in found["items"]
    ]


async def servers(_: Request) -> JSONResponse:
    return JSONResponse(await asyncio.to_thread(_servers))


if __name__ == "__main__":
    kubernetes.config.load_kube_config(os.environ["KUBECONFIG"])  # type: ignore[no-untyped-call]  # the client's configuration is not typed
    application = Starlette(routes=[Route("/api/servers", servers)])
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
