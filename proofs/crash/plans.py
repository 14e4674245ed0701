"""Plans out of recorded reference runs: every write × every fault of a write, every event × every fault of a watch.

The selection for CI is the same each time. It holds every kind of write (`create deployments`) with every fault, every
single write of every scenario with one, and every event a watch told of with every fault of a watch. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proofs.crash.normal import State
from support.faultproxy import Write
from support.faults import AtEvent, AtWrite, Fault, WatchFault, WriteFault

WATCHED = (
    "workspaces", "deployments", "services", "pods", "replicasets", "persistentvolumeclaims", "ingresses",
    "networkpolicies",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """What one scenario wrote, was told, and ended in, without a fault."""

    scenario: str
    writes: tuple[Write, ...]
    events: frozenset[tuple[str, str]]
    state: State
    made: Counter[str]
    """Objects made and deleted, by `create deployments`."""
    starts: int = 1
    """Operator processes: more where the scenario itself stops one."""

    @property
    def certain(self) -> tuple[Write, ...]:
        """The writes that every run makes.

        One that met a controller's write, was refused and made again is one more than others need; so of each
        description as many count as went through.
        """
        through = Counter(str(write.request) for write in self.writes if 200 <= write.code < 300)
        return tuple(write for write in self.writes if write.nth <= through[str(write.request)])


@dataclass(frozen=True, slots=True)
class Plan:
    """One scenario with one fault; `fault` None is the control, which has to end like the reference too."""

    scenario: str
    fault: Fault | None

    def __str__(self) -> str:
        return f"{self.scenario}: {self.fault or 'no fault'}"


def every(reference: Reference) -> list[Plan]:
    """All plans of a scenario: the control first, then in the order of the reference run."""
    name = reference.scenario
    at_writes = [AtWrite(str(write.request), write.nth, kind) for write in reference.certain for kind in WriteFault]
    # What an operator that was away hears as events, and what in its first lists, is a matter of moments.
    told = sorted(reference.events) if reference.starts == 1 else []
    at_events = [
        AtEvent(resource, event, kind) for resource, event in told if resource in WATCHED for kind in WatchFault
    ]
    faults: list[Fault] = [*at_writes, *at_events]
    return [Plan(name, None), *(Plan(name, fault) for fault in faults)]


def selected(references: Sequence[Reference]) -> list[Plan]:
    """The plans for CI."""
    chosen: dict[Plan, None] = {}
    kinds: set[tuple[str, str]] = set()
    for reference in references:
        chosen[Plan(reference.scenario, None)] = None
        kind_of = {(str(write.request), write.nth): write.request.kind for write in reference.certain}
        for plan in every(reference):
            what = _what(plan.fault, kind_of)
            if what is not None and what not in kinds:
                kinds.add(what)
                chosen[plan] = None
    for reference in references:
        _cover_each_write(reference, chosen)
    return list(chosen)


def _what(fault: Fault | None, kind_of: Mapping[tuple[str, int], str]) -> tuple[str, str] | None:
    """What of this fault makes it another one than those of other scenarios."""
    if isinstance(fault, AtWrite):
        return kind_of[fault.write, fault.nth], fault.fault
    return (f"{fault.event} {fault.resource}", fault.fault) if fault is not None else None


def _cover_each_write(reference: Reference, chosen: dict[Plan, None]) -> None:
    faults: Iterable[AtWrite] = (plan.fault for plan in chosen if isinstance(plan.fault, AtWrite))
    covered = {
        (plan.fault.write, plan.fault.nth)
        for plan in chosen
        if plan.scenario == reference.scenario and isinstance(plan.fault, AtWrite)
    }
    used = Counter(fault.fault for fault in faults)
    for write in reference.certain:
        place = (str(write.request), write.nth)
        if place not in covered:
            kind = min(WriteFault, key=lambda item: used[item])
            used[kind] += 1
            chosen[Plan(reference.scenario, AtWrite(*place, kind))] = None
