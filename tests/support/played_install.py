"""An install as it may be on a working day, for pictures of the web interface and tests of its pages."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from support.played_ui import Json, Played

ADA, BOB, CI = "ada.lovelace@example.com", "bob@example.com", "token:system:serviceaccount:guildnet:ci-runner"
LAB, CODE = "localhost/guildnet/jupyterlab:dev-1a2b3c", "localhost/guildnet/code-server:dev-1a2b3c"
ACTIONS = ["launch", "delete", "stopAll", "readLogs", "proxy", "start", "stop", "update", "list"]
PRESETS: list[Json] = [
    {
        "name": "jupyterlab",
        "label": "JupyterLab",
        "image": LAB,
        "icon": "jupyterlab",
        "pathMode": "Preserve",
        "description": "Notebooks, terminals and files in the browser",
        "ports": [{"port": 8888, "name": "http"}],
        "resources": {"cpu": "500m", "memory": "2Gi"},
        "storage": {"size": "10Gi"},
    },
    {
        "name": "vs-code",
        "label": "VS Code",
        "image": CODE,
        "icon": "code-server",
        "pathMode": "Strip",
        "description": "Visual Studio Code in the browser",
        "ports": [{"port": 8080, "name": "http"}],
    },
]


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


def workspace(name: str, status: str = "running", minutes: float = 30, **over: Any) -> Json:
    """A workspace as `/api/servers` shows it."""
    server: Json = {
        "id": name,
        "name": name,
        "image": LAB,
        "status": status,
        "owner": ADA,
        "created_at": ago(minutes),
        "updated_at": ago(minutes - 1),
        "ports": [{"port": 8888, "name": "http"}],
        "resources": {"cpu": "500m", "memory": "2Gi"},
        "files": "kept",
        "node": "node-a",
        "url": f"http://{name}-4fe9a1b2.localhost:1/",
        "proxy_url": f"/proxy/server/{name}/",
        **over,
    }
    return {key: value for key, value in server.items() if value is not None}


def working_day() -> Played:
    """A dozen workspaces in every state."""
    pull = (
        'Back-off pulling image "nosuch.example.com/foo:bar": ErrImagePull: failed to pull and unpack image: '
        "failed to do request: dial tcp: lookup nosuch.example.com: no such host"
    )
    memory = "The container was killed for using more memory than its limit of 2Gi, 3 times: give it more."
    servers = [
        workspace("analysis-3f9a1", minutes=130),
        workspace("thesis-b22c4", minutes=60 * 30, image=CODE, ports=[{"port": 8080, "name": "http"}]),
        workspace(
            "gpu-notebooks-0d1e2",
            "pending",
            0.4,
            reason="Pulling",
            message="The image is being pulled.",
            files=None,
            node=None,
        ),
        workspace(
            "web-77aa0",
            "failed",
            14,
            owner=BOB,
            image="nosuch.example.com/foo:bar",
            reason="ImagePullFailed",
            message=pull,
            files="lost on stop",
        ),
        workspace(
            "trainer-91b3c",
            "failed",
            300,
            owner=BOB,
            image="ghcr.io/acme/trainer:2.4",
            reason="OutOfMemory",
            message=memory,
        ),
        workspace(
            "big-one-5e6f7",
            "pending",
            6,
            reason="Unschedulable",
            message="0/2 nodes are available: 2 Insufficient cpu.",
            resources={"cpu": "64", "memory": "2Gi"},
            node=None,
        ),
        workspace(
            "docs-preview-2ab31",
            "running",
            12,
            owner=CI,
            image="docker.io/library/nginx:1.29",
            files="lost on stop",
            ports=[{"port": 80, "name": "http"}],
            resources=None,
        ),
        workspace("old-experiment-cc0de", "stopped", 60 * 24 * 9),
        workspace("teaching-week-3-aa110", "stopped", 60 * 24 * 3, owner=BOB, image=CODE),
        workspace("a-very-long-name-that-somebody-gave-to-a-workspace-once-0f0f0", minutes=60 * 5, owner=BOB),
    ]
    played = Played(servers={server["id"]: server for server in servers})
    played.answers |= {
        "GET /api/ui-config": (200, {"name": "team", "version": "0.1.0", "originMode": "host", "features": {}}),
        "GET /api/me": (
            200,
            {"login": ADA, "displayName": "Ada Lovelace", "kind": "user", "roles": ["dev"], "actions": ACTIONS},
        ),
        "GET /api/images": (200, PRESETS),
        "GET /readyz": (
            200,
            {"status": "ok", "checks": {name: {"ok": True} for name in ("kubernetes", "crds", "redis", "cache")}},
        ),
        "GET /api/stats": (
            200,
            {
                "states": {"pending": 2, "running": 4, "failed": 2, "stopped": 2},
                "starts": [
                    {"t": ago(1400 - 45 * n), "seconds": 3 + (n * 7) % 11 + (40 if n == 12 else 0)} for n in range(30)
                ],
            },
        ),
        "GET /api/install": (
            200,
            {
                "versions": {"api": "0.1.0", "operator": "0.1.0", "kubernetes": "v1.34.1"},
                "tailnet": "team.example.ts.net",
                "operator": {
                    "leads": True,
                    "name": "guildnet-operator-5d9c7",
                    "heardSeconds": 2.1,
                    "queueSeconds": 0.0,
                    "watchSeconds": 12.4,
                    "portsLeft": 45_472,
                },
            },
        ),
        "GET /api/proxy-debug": (200, {"version": "0.1.0"}),
        "GET /api/usage": (
            200,
            {
                "measured": True,
                "servers": {
                    name: {"cpu": 0.03 + 0.11 * n, "memory": (212 + 317 * n) << 20}
                    for n, name in enumerate(played.servers)
                    if played.servers[name]["status"] == "running"
                },
            },
        ),
        "GET /api/image-defaults": (200, {"ports": [{"port": 80, "name": "http"}]}),
        "POST /api/stop-all": (200, {"deleted": list(played.servers), "dryRun": True}),
    }
    return played


def crowd(many: int) -> Played:
    """So many workspaces of twenty people, the same each time."""
    played, draw = working_day(), random.Random(7)
    states = ["running"] * 6 + ["stopped"] * 3 + ["pending", "failed"]
    played.servers = {
        name: workspace(name, draw.choice(states), draw.uniform(1, 20_000), owner=f"person{number % 20}@example.com")
        for number in range(many)
        for name in (f"workspace-{number:04d}",)
    }
    return played
