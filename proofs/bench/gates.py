"""What guildnet has to reach, and whether a run shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proofs.bench.results import Sample, Spread, costs, faults, ratio

OURS: Final = "guildnet"
STRAIGHT: Final = "straight"
"""No proxy: load and upstream alone, beside which a delay through a proxy is read."""
TURNS: Final = 5
"""Turns that a ratio has to be made of; fewer prove nothing."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One bound. Against a peer it is on a ratio of costs, else on guildnet's cost itself.

    `most` gates are ours ÷ theirs, or ours, and at most `gate`; the others theirs ÷ ours and at least `gate`.
    """

    what: str
    scenario: str
    peer: str
    gate: float
    target: float
    stretch: float
    most: bool = False
    unit: str = ""

    def measured(self, samples: Sequence[Sample]) -> Spread | None:
        if not self.peer:
            return costs(samples, self.scenario, OURS)
        if self.most:
            return ratio(samples, self.scenario, OURS, self.peer)
        return ratio(samples, self.scenario, self.peer, OURS)

    def reaches(self, value: float, bound: float) -> bool:
        return value <= bound if self.most else value >= bound

    @property
    def name(self) -> str:
        return f"{self.scenario}/{self.peer or 'own'}"

    @property
    def sign(self) -> str:
        return "≤" if self.most else "≥"


GATES: Final = (
    Gate("1 KB, header block seen before", "small", "nginx", 0.50, 0.70, 0.90),
    Gate("1 KB, header block never seen", "unseen", "nginx", 0.25, 0.35, 0.50),
    Gate("1 KB, header block seen before", "small", "chp", 6.0, 7.0, 9.0),
    Gate("1 KB, header block seen before", "small", "aiohttp", 6.0, 7.0, 9.0),
    Gate("1 KB, header block seen before", "small", "go", 1.5, 1.8, 2.2),
    Gate("100 KB", "mid", "nginx", 1.0, 1.3, 1.5),
    Gate("WebSocket messages of 64 B", "websocket", "nginx", 0.90, 0.95, 1.0),
    Gate("download by length", "download", "nginx", 0.60, 0.50, 0.40, most=True),
    Gate("download in chunks", "chunked", "nginx", 1.0, 0.80, 0.60, most=True),
    Gate("upload", "upload", "nginx", 1.4, 1.15, 0.80, most=True),
    Gate("list of 5,000 workspaces", "list", "client", 8.0, 30.0, 80.0),
    Gate("memory of an idle WebSocket", "idle", "", 4.0, 4.0, 3.0, most=True, unit=" KiB"),
    Gate("delay of a streamed chunk, p99", "delay", "", 3.0, 3.0, 1.0, most=True, unit=" ms"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate and what was found; `reason` says why it is missed, and is empty where it is met.

    A gate against a peer that is not available is neither: it is not `judged`.
    """

    gate: Gate
    found: Spread | None
    reason: str
    judged: bool = True

    @property
    def met(self) -> bool:
        return self.judged and not self.reason

    @property
    def level(self) -> str:
        """How far it gets."""
        if self.found is None or not self.met:
            return "MISSED" if self.judged else "not available"
        if self.gate.reaches(self.found.median, self.gate.stretch):
            return "stretch"
        return "target" if self.gate.reaches(self.found.median, self.gate.target) else "met"


def verdict(gate: Gate, samples: Sequence[Sample], versions: Mapping[str, str | None]) -> Verdict:
    """By the median of the turns."""
    if gate.peer and versions.get(gate.peer) is None:
        return Verdict(gate, None, "", judged=False)
    found = gate.measured(samples)
    said = [
        f"{proxy}: {fault}" for proxy in (OURS, gate.peer) if proxy for fault in faults(samples, gate.scenario, proxy)
    ]
    if found is None:
        return Verdict(gate, None, f"no turn counts ({'; '.join(said) or 'none was measured'})")
    if found.turns < TURNS:
        return Verdict(gate, found, f"{found.turns} of {TURNS} turns count ({'; '.join(said) or 'the time was up'})")
    if not gate.reaches(found.median, gate.gate):
        return Verdict(gate, found, _shortfall(gate, samples))
    return Verdict(gate, found, "")


def judged(samples: Sequence[Sample], versions: Mapping[str, str | None]) -> list[Verdict]:
    return [verdict(gate, samples, versions) for gate in GATES]


def _shortfall(gate: Gate, samples: Sequence[Sample]) -> str:
    """What both cost, and what guildnet would have to."""
    ours = costs(samples, gate.scenario, OURS)
    theirs = costs(samples, gate.scenario, gate.peer) if gate.peer else None
    assert ours is not None
    if theirs is None:
        return f"{ours.median:.2f}{gate.unit} where {gate.gate:g}{gate.unit} are allowed"
    allowed = theirs.median * gate.gate if gate.most else theirs.median / gate.gate
    return f"{ours.median:.1f} µs of CPU against {theirs.median:.1f}, where {allowed:.1f} are allowed"
