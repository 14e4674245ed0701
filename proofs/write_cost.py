"""What a new Workspace costs the API server in writes, whoever sends them, counted in its own audit log."""

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

WORKSPACES, FEW = 100, 20
BOUND = 4.0
APART = ("events", "leases", "secrets")
"""Best-effort Events, the Lease, and the generated password of code-server images, which these are not."""
WRITES = frozenset({"create", "update", "patch", "delete"})
OTHERS = ("guildnet-tests", "kube-controller-manager/", "kube-apiserver/")
"""How the user agents begin that are not the operator: the hands of this proof and the cluster itself. Whoever else
writes counts, so that a library of the operator that writes by itself does not go unseen."""


async def _launch(servers: Servers, directory: Path, workspaces: int) -> str:
    """Make the Workspaces, on nodes that are ready at once; the namespace."""
    async with (
        connect(str(servers.server.kubeconfig), user_agent="guildnet-tests") as kube,
        stage(servers.server, kube, directory) as played,
    ):
        for number in range(workspaces):
            await played.world.launch(f"ws-{number}")
        await eventually(lambda: all_ready(played, workspaces), within=120, every=0.5)
        await eventually(played.idle, within=30)
        return played.world.namespace


def counted(log: Path, namespace: str) -> tuple[Counter[str], Counter[str]]:
    """The writes for the Workspaces of a namespace, the port counter's included, by what they did and who sent them.

    The second are those that are told of apart.
    """
    found: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        about, agent = entry.get("objectRef") or {}, str(entry.get("userAgent", ""))
        here = str(about.get("namespace", "")).startswith(namespace) and not agent.startswith(OTHERS)
        if here and entry["verb"] in WRITES:
            what = " ".join(filter(None, (entry["verb"], about["resource"], about.get("subresource"))))
            (apart if about["resource"] in APART else found)[f"{what} ({agent or 'no user agent'})"] += 1
    return found, apart


def prove(*, quick: bool = False) -> Figure:
    quiet()
    workspaces = FEW if quick else WORKSPACES
    built = programs.ensure(CONTROLLER_PROGRAMS, report=print)
    with tempfile.TemporaryDirectory() as directory:
        servers = Servers(Path(directory) / "apiserver", built, controllers=True, audit=True)
        try:
            servers.start()
            namespace = asyncio.run(_launch(servers, Path(directory), workspaces))
            found, apart = counted(servers.audit_log, namespace)
        finally:
            servers.stop()
    for what, number in found.most_common():
        print(f"  {what:<56}{number / workspaces:>6.2f} per Workspace")
    for what, number in apart.most_common():
        print(f"  {what:<56}{number / workspaces:>6.2f} per Workspace, not counted")
    each = found.total() / workspaces
    return Figure(f"{each:.2f} API writes per new Workspace (≤ {BOUND:g}), {workspaces} of them", 0 < each <= BOUND)
