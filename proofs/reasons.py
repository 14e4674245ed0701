"""Faults put into workspaces on the real cluster: each named in a condition, with the thing at fault and the next step.

Within 15 s, and then it has to stay: a condition that says something else a moment later, or a second one that says
something wrong, counts as not named.
"""

from __future__ import annotations

import asyncio

from proofs import Figure
from proofs.faulty import node
from proofs.faulty.judge import BOUND_SECONDS, Verdict
from proofs.faulty.play import listening, name_of, play_all
from proofs.faulty.table import FAULTS
from support.local import Local, bring_up, guildnet_local

NODE = "proof-fault-node"


async def _played(local: Local, *, quick: bool) -> list[Verdict]:
    async with listening(local) as listener:
        if quick:
            return await play_all(listener, local, tuple(fault for fault in FAULTS if not fault.alone))
        return [*await play_all(listener, local, FAULTS), await node.play(listener, local, NODE)]


def prove(*, quick: bool = False) -> Figure:
    """The short form leaves out what other workspaces of the cluster would notice: quotas, limits, the lost node."""
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    for name in (*map(name_of, range(len(FAULTS))), NODE):
        local.delete_workspace(name)
    found = asyncio.run(_played(local, quick=quick))
    good = sum(verdict.good for verdict in found)
    slowest = max((verdict.seconds for verdict in found if verdict.seconds is not None), default=0.0)
    text = (
        f"{good} of {len(found)} faults named within {BOUND_SECONDS:g} s with the next step, and nothing else said; "
        f"slowest {slowest:.1f} s"
    )
    return Figure(text, good == len(found))
