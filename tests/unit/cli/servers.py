"""Servers as the api tells them."""

from __future__ import annotations

from typing import Any

LAB: dict[str, Any] = {
    "id": "lab", "name": "lab", "image": "guildnet/jupyterlab:0.1.0", "status": "running", "owner": "alice@example.com",
    "created_at": "2026-01-01T00:00:00Z", "ports": [{"port": 8888, "name": "http"}, {"port": 9000, "name": "admin"}],
    "env": {"MODE": "fast", "API_TOKEN": "********"}, "resources": {"memory": "1Gi"}, "notes": "for the course",
    "url": "http://lab-0123.guildnet.test/", "proxy_url": "/proxy/server/lab/",
}  # fmt: skip
PENDING: dict[str, Any] = {
    "id": "new", "name": "new", "image": "acme/tool:1", "status": "pending", "reason": "Unschedulable",
    "message": "No node can take the pod.", "proxy_url": "/proxy/server/new/",
}  # fmt: skip


def condition(type_: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message}
