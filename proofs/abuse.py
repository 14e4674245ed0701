"""Hostile clients and upstreams do nothing to ordinary users, and leave nothing behind."""

from __future__ import annotations

import asyncio
from typing import Final

from proofs import Figure
from proofs.hostile import running
from proofs.hostile.clients import ATTACKS

MIB: Final = 2**20
GROWN_BYTES: Final = 16 * MIB
STALL_SECONDS: Final = 0.050
TIMES: Final = 2.0
FULL: Final = (60.0, 10)
"""Seconds of each attack, and how many side by side."""
QUICK: Final = (5.0, 10)


def judged(found: running.Found) -> Figure:
    stall, grown, slow = (
        max(found.groups, key=key) for key in (lambda it: it.stall, lambda it: it.grown, lambda it: it.p99)
    )
    times = slow.p99 / found.quiet
    failures = sum(len(group.failures) for group in found.groups)
    text = (
        f"{sum(len(group.attacks) for group in found.groups)} attacks: resident growth {grown.grown / MIB:.1f} MiB "
        f"(≤ 16), longest stall {stall.stall * 1000:.0f} ms (≤ 50), ordinary p99 {slow.p99 * 1000:.1f} ms, {times:.2f} "
        f"times the quiet's (≤ 2), {failures} ordinary requests failed (0), {found.left} connections left after "
        f"{running.LEFT_SECONDS:.0f} s (0)"
    )
    gates = {
        "growth": grown.grown <= GROWN_BYTES,
        "stall": stall.stall <= STALL_SECONDS,
        "p99": times <= TIMES,
        "failures": not failures,
        "left": found.left == 0,
    }
    missed = [gate for gate, met in gates.items() if not met]
    return Figure(text, not missed, missed)


def prove(*, quick: bool = False) -> Figure:
    assert len(ATTACKS) >= 40
    return judged(asyncio.run(running.found(*(QUICK if quick else FULL))))
