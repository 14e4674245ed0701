"""What a new Workspace costs the API server in writes of the operator, counted in the API server's own audit log."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path

from guildnet.kube.client import connect
from guildnet_local.build import programs
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.crash.settled import all_ready
from proofs.crash.stage import stage
from support.apiserver import CONTROLLER_PROGRAMS, Servers
from support.waiting import eventually

WORKSPACES = 100
BOUND = 4.0
APART = ("events", "leases", "secrets")
"""Best-effort Events, the Lease, and the generated password of code-server images, which these are not."""
WRITES = frozenset({"create", "update", "patch", "delete"})
AGENT = "guildnet-operator"


async def _launch(servers: Servers, directory: Path) -> str:
    """Make the Workspaces, on nodes that are ready at once; the namespace."""
    async with (
        connect(str(servers.server.kubeconfig), user_agent="guildnet-tests") as kube,
        stage(servers.server, kube, directory) as played,
    ):
        for number in range(WORKSPACES):
            await played.world.launch(f"ws-{number}")
        await eventually(lambda: all_ready(played, WORKSPACES), within=120, every=0.5)
        await eventually(played.idle, within=30)
        return played.world.namespace


def counted(log: Path, namespace: str) -> Counter[str]:
    """The operator's writes for the Workspaces of a namespace, its port counter's included, by what they did."""
    found: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        about = entry.get("objectRef") or {}
        ours = str(about.get("namespace", "")).startswith(namespace) and entry.get("userAgent") == AGENT
        if ours and entry["verb"] in WRITES and about.get("resource") not in APART:
            found[" ".join(filter(None, (entry["verb"], about["resource"], about.get("subresource"))))] += 1
    return found


def prove() -> Figure:
    quiet()
    built = programs.ensure(CONTROLLER_PROGRAMS, report=print)
    with tempfile.TemporaryDirectory() as directory:
        servers = Servers(Path(directory) / "apiserver", built, controllers=True, audit=True)
        try:
            servers.start()
            namespace = asyncio.run(_launch(servers, Path(directory)))
            found = counted(servers.audit_log, namespace)
        finally:
            servers.stop()
    for what, number in found.most_common():
        print(f"  {what:<32}{number / WORKSPACES:>6.2f} per Workspace")
    each = found.total() / WORKSPACES
    return Figure(f"{each:.2f} API writes per new Workspace (≤ {BOUND:g}), {WORKSPACES} of them", 0 < each <= BOUND)
