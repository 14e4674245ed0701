"""A run as Markdown, as JSON, and in lines for a terminal. Reads the recordings, and is pure otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, Final

from proofs.bench.gates import OURS, STRAIGHT, Verdict
from proofs.bench.mix.session import KINDS, playable, read, repeated
from proofs.bench.results import Sample, Spread, costs, ratio, valid

QUIET: Final = 0.05
"""Share of the proxies' core that other work may take before the figures are called unreliable."""
HEAD: Final = ("what", "against", "median", "least–most", "gate", "target", "stretch", "reached")
RATIOS: Final = (
    "Median of the turns. Against a peer the ratio of CPU an operation: with ≥ the peer's ÷ guildnet's, with ≤ "
    "guildnet's ÷ the peer's."
)
ELSEWHERE: Final = (
    "Not in this suite: pages in a browser (`make show-real-path`), log fan-out (`make show-log-fanout`), the operator "
    "(`make show-operator-scale`), a Workspace's way to Ready (`make show-ready-time`)."
)
"""What else is measured, and where."""


def markdown(
    verdicts: Sequence[Verdict], samples: Sequence[Sample], names: Mapping[str, tuple[str, str]],
    versions: Mapping[str, str | None], hits: Mapping[str, Sequence[float]],
) -> str:  # fmt: skip
    """`names` has each scenario's words and unit, in order."""
    proxies = [proxy for proxy in (*versions, STRAIGHT) if any(item.proxy == proxy for item in samples)]
    absent = [proxy for proxy, version in versions.items() if version is None]
    lines = [
        *table(HEAD, map(_row_of, verdicts)),
        "",
        RATIOS,
        "",
        *table(("cost", *map(_named(versions), proxies)), _costs(samples, names, proxies)),
        "",
        "CPU of the proxy's process, or what the row says; in brackets operations a second by the clock.",
        *_notes(verdicts, samples, absent, hits),
    ]
    return "\n".join(lines) + "\n"


def document(
    verdicts: Sequence[Verdict], samples: Sequence[Sample], versions: Mapping[str, str | None],
    hits: Mapping[str, Sequence[float]], about: Mapping[str, Any], text: str,
) -> dict[str, Any]:  # fmt: skip
    """Everything the tables were made of, and the tables."""
    return {
        **about,
        "versions": dict(versions),
        "verdicts": [{**asdict(item), "level": item.level} for item in verdicts],
        "memo_hits": {name: list(found) for name, found in hits.items()},
        "samples": [asdict(item) for item in samples],
        "markdown": text,
    }


def line(verdict: Verdict) -> str:
    """For a terminal."""
    gate, found = verdict.gate, verdict.found
    peer = f" against {gate.peer}" if gate.peer else ""
    measured = _spread(found, gate.unit) if found else "nothing"
    reason = f" – {verdict.reason}" if verdict.reason else ""
    return f"{verdict.level:<13} {gate.what}{peer}: {measured} ({gate.sign} {gate.gate:g}{gate.unit}){reason}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    cells = list(head)
    return [_row(cells), _row("---" for _ in cells), *map(_row, rows)]


def busy(samples: Sequence[Sample]) -> float:
    """The share of the proxies' core that other work took, by the median of the rounds."""
    return median([item.others for item in samples if item.rate and item.busy] or [0.0])


def of_session(samples: Sequence[Sample], name: str, hits: Mapping[str, Sequence[float]]) -> str:
    """How much of it is repeated, what the memo made of it, and the ratio on it."""
    known = repeated(playable(read(name)))
    memo = f"the memo hit {median(hits[name]):.0%}" if name in hits else "the proxy counts no memo"
    ratio_there = against(samples, name, "nginx")
    return f"{known:.0%} of its requests have a header block seen before in it; {memo}; against nginx {ratio_there}"


def against(samples: Sequence[Sample], scenario: str, peer: str) -> str:
    """The ratio where there is no gate for it."""
    found = ratio(samples, scenario, peer, OURS)
    return _spread(found, "") if found else "no turn counts"


def _spread(found: Spread, unit: str) -> str:
    return f"{found.median:.2f}{unit}, {found.least:.2f}–{found.most:.2f} in {found.turns} turns"


def _row_of(verdict: Verdict) -> list[str]:
    gate, found = verdict.gate, verdict.found
    measured = [f"{found.median:.2f}{gate.unit}", f"{found.least:.2f}–{found.most:.2f}"] if found else ["–", "–"]
    bounds = [f"{gate.sign} {gate.gate:g}{gate.unit}", f"{gate.target:g}", f"{gate.stretch:g}"]
    return [gate.what, gate.peer or "–", *measured, *bounds, verdict.level]


def _named(versions: Mapping[str, str | None]) -> Any:
    return lambda proxy: f"{proxy} {versions.get(proxy) or ''}".strip()


def _costs(
    samples: Sequence[Sample], names: Mapping[str, tuple[str, str]], proxies: Sequence[str]
) -> Iterable[list[str]]:
    for scenario, (what, unit) in names.items():
        yield [f"{what}, {unit}", *(_cost(samples, scenario, proxy) for proxy in proxies)]


def _cost(samples: Sequence[Sample], scenario: str, proxy: str) -> str:
    found = costs(samples, scenario, proxy)
    if found is None:
        return "void" if any((item.scenario, item.proxy) == (scenario, proxy) for item in samples) else "–"
    rates = [item.rate for item in valid(samples, scenario, proxy).values() if item.busy]
    return f"{found.median:.1f} ({median(rates):,.0f}/s)" if rates else f"{found.median:.2f}"


def _notes(
    verdicts: Sequence[Verdict], samples: Sequence[Sample], absent: Sequence[str], hits: Mapping[str, Sequence[float]]
) -> list[str]:
    notes = []
    if (others := busy(samples)) > QUIET:
        notes.append(f"**The machine was busy** ({others:.0%} of the proxies' core went to other work).")
    if absent:
        notes.append(f"Not available: {', '.join(absent)}.")
    notes += [f"Session of {name}: {of_session(samples, name, hits)}." for name in KINDS]
    notes += [
        f"Missed: {item.gate.what}, {item.gate.peer or 'guildnet'}: {item.reason}." for item in verdicts if item.reason
    ]
    notes.append(ELSEWHERE)
    return ["", "\n\n".join(notes)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
