"""What a run found: rounds in, ratios and Markdown out. Pure.

Ratios are made within one turn (every proxy's round right after the other's) and only then summed up, because a shared
machine changes between turns. CPU per request is the figure that counts; requests a second stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

OURS = "guildnet"
QUIET = 0.05
"""Share of the proxy's core that other work may take before the figures are called unreliable."""
SATURATED = 0.9
"""Share of the core in use below which a proxy was waiting for the load: its requests a second are the load's."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The gate, target and stretch of the ratio of CPU per request, peer ÷ guildnet."""

    gate: float
    target: float
    stretch: float


BOUNDS = {"nginx": Bounds(0.40, 0.55, 0.75), "aiohttp": Bounds(5.0, 7.0, 9.0)}


@dataclass(frozen=True, slots=True)
class Round:
    """One proxy under load once. `others` is the share of its core other work took; a `fault` voids the round."""

    proxy: str
    turn: int
    requests: int
    seconds: float
    cpu_seconds: float
    others: float
    fault: str = ""

    @property
    def cpu_us(self) -> float:
        """CPU per request in microseconds."""
        return self.cpu_seconds / self.requests * 1e6

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def busy(self) -> float:
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Ratio:
    """guildnet against one peer over the turns where both rounds count; above 1 is to guildnet's advantage."""

    peer: str
    turns: int
    cpu: float
    cpu_least: float
    cpu_most: float
    wall: float


def valid(rounds: Iterable[Round], proxy: str) -> dict[int, Round]:
    """By turn. A round without an answer is not one."""
    return {item.turn: item for item in rounds if item.proxy == proxy and not item.fault and item.requests}


def ratio(rounds: Sequence[Round], peer: str) -> Ratio | None:
    """None where no turn has a valid round of both."""
    ours, theirs = valid(rounds, OURS), valid(rounds, peer)
    turns = sorted(ours.keys() & theirs.keys())
    if not turns:
        return None
    cpu = [theirs[turn].cpu_us / ours[turn].cpu_us for turn in turns]
    wall = [ours[turn].per_second / theirs[turn].per_second for turn in turns]
    return Ratio(peer, len(turns), median(cpu), min(cpu), max(cpu), median(wall))


def silent(rounds: Sequence[Round], proxies: Iterable[str]) -> list[str]:
    """The proxies that ran and have not one valid round."""
    return [proxy for proxy in proxies if not valid(rounds, proxy)]


def markdown(rounds: Sequence[Round], proxies: Mapping[str, str | None]) -> str:
    """Both tables and what limits their worth; `proxies` has each one's version in order, None for not available."""
    peers = [proxy for proxy in proxies if proxy != OURS]
    lines = [
        "| guildnet against | CPU per request | spread | turns | req/s | gate | target | stretch |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_ratio_line(rounds, peer, available=proxies[peer] is not None) for peer in peers),
        "",
        "CPU: the peer's ÷ guildnet's. req/s: guildnet's ÷ the peer's. Median of turns; above 1 guildnet is ahead.",
        "",
        "| proxy | version | CPU µs/req | req/s | its core busy | other work there | rounds | void |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_proxy_line(rounds, proxy, version) for proxy, version in proxies.items()),
        *_notes(rounds, proxies),
    ]
    return "\n".join(lines) + "\n"


def document(rounds: Sequence[Round], proxies: Mapping[str, str | None], about: Mapping[str, Any]) -> dict[str, Any]:
    """The run as JSON: everything the tables were made of."""
    ratios = [found for peer in proxies if peer != OURS and (found := ratio(rounds, peer))]
    return {
        **about,
        "proxies": dict(proxies),
        "ratios": [asdict(item) for item in ratios],
        "rounds": [asdict(item) for item in rounds],
    }


def _ratio_line(rounds: Sequence[Round], peer: str, *, available: bool) -> str:
    bounds = BOUNDS[peer]
    found = ratio(rounds, peer)
    if found is None:
        cells = ["no valid turn" if available else "not available", "–", "0", "–"]
    else:
        spread = f"{found.cpu_least:.2f}–{found.cpu_most:.2f}"
        cells = [f"{found.cpu:.2f}", spread, str(found.turns), f"{found.wall:.2f}"]
    return _row([peer, *cells, *(f"{value:g}" for value in (bounds.gate, bounds.target, bounds.stretch))])


def _proxy_line(rounds: Sequence[Round], proxy: str, version: str | None) -> str:
    if version is None:
        return _row([proxy, "not available", *["–"] * 6])
    good = list(valid(rounds, proxy).values())
    void = sum(item.proxy == proxy for item in rounds) - len(good)
    if not good:
        return _row([proxy, version, *["–"] * 4, "0", str(void)])
    figures = [
        f"{median(item.cpu_us for item in good):.1f}",
        f"{median(item.per_second for item in good):,.0f}",
        f"{median(item.busy for item in good):.0%}",
        f"{median(item.others for item in good):.0%}",
    ]
    return _row([proxy, version, *figures, str(len(good)), str(void)])


def _notes(rounds: Sequence[Round], proxies: Iterable[str]) -> list[str]:
    good = {proxy: list(valid(rounds, proxy).values()) for proxy in proxies}
    good = {proxy: items for proxy, items in good.items() if items}
    waiting = [proxy for proxy, items in good.items() if median(item.busy + item.others for item in items) < SATURATED]
    others = max((median(item.others for item in items) for items in good.values()), default=0.0)
    faults = sorted({f"{item.proxy}: {item.fault}" for item in rounds if item.fault})
    notes = []
    if waiting:
        notes.append(
            f"The load could not fill the core of {', '.join(waiting)}: the req/s there are no limit of the proxy."
        )
    if others > QUIET:
        notes.append(f"**The machine was busy** ({others:.0%} of the proxy's core went to other work): do not quote.")
    if faults:
        notes.append(f"Void rounds: {'; '.join(faults)}.")
    return ["", *notes] if notes else []


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
