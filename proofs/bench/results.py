"""What a run found: samples in, ratios out. Pure.

Ratios are made within one turn (every proxy's sample right after the other's) and only then summed up, because a shared
machine changes between turns. CPU per operation is the figure that counts; operations a second stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Round:
    """A proxy under load once. `others` is the share of its core other work took; a `fault` voids the round."""

    operations: int
    seconds: float
    cpu_seconds: float
    others: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure of one proxy. `cost` is in the scenario's unit, less is better; `rate` is operations a second.

    `rate`, `busy` (the proxy's share of its core) and `others` are 0 where they have no meaning. A `fault` voids it.
    """

    scenario: str
    proxy: str
    turn: int
    cost: float
    rate: float = 0.0
    busy: float = 0.0
    others: float = 0.0
    fault: str = ""

    @classmethod
    def of(cls, scenario: str, proxy: str, turn: int, found: Round, units: float) -> Sample:
        """CPU microseconds of a unit; an operation is so many `units`. A round without an operation is void."""
        if found.fault or not found.operations:
            return cls(scenario, proxy, turn, 0.0, fault=found.fault or "no operation was completed")
        done = found.operations * units
        return cls(
            scenario, proxy, turn, found.cpu_seconds / done * 1e6, done / found.seconds,
            found.cpu_seconds / found.seconds, found.others,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the turns, and the least and the most."""

    turns: int
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        return cls(len(values), median(values), min(values), max(values)) if values else None


def valid(samples: Iterable[Sample], scenario: str, proxy: str) -> dict[int, Sample]:
    """By turn."""
    wanted = (scenario, proxy)
    return {item.turn: item for item in samples if (item.scenario, item.proxy) == wanted and not item.fault}


def costs(samples: Sequence[Sample], scenario: str, proxy: str) -> Spread | None:
    """None where no turn has a valid sample."""
    return Spread.of([item.cost for item in valid(samples, scenario, proxy).values()])


def ratio(samples: Sequence[Sample], scenario: str, upper: str, lower: str) -> Spread | None:
    """The cost of `upper` ÷ that of `lower`, over the turns in which both count; None where there is none."""
    above, below = valid(samples, scenario, upper), valid(samples, scenario, lower)
    return Spread.of([above[turn].cost / below[turn].cost for turn in sorted(above.keys() & below.keys())])


def faults(samples: Iterable[Sample], scenario: str, proxy: str) -> list[str]:
    """Why samples are void, each reason once."""
    return sorted({item.fault for item in samples if (item.scenario, item.proxy) == (scenario, proxy) and item.fault})
