"""Judges what a Workspace said of its fault over time: named, with the next step, and nothing else said. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proofs.faulty.table import Fault

BOUND_SECONDS: Final = 15.0
HOLD_SECONDS: Final = 3.0
"""For so long after the first sight the condition has to go on saying it."""

Conditions = Mapping[str, Mapping[str, Any]]
"""By type."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Seconds until it was named, None when it was not; what it said last; and what is wrong with it, if anything."""

    seconds: float | None
    last: str
    complaint: str

    @property
    def good(self) -> bool:
        return not self.complaint


def says(fault: Fault, conditions: Conditions) -> bool:
    """Does the condition name the fault?"""
    kind, status, reason, word = fault.said
    found = conditions.get(kind)
    return found is not None and (found["status"], found["reason"]) == (status, reason) and word in found["message"]


def judge(fault: Fault, history: Sequence[tuple[float, Conditions]], *, until: float) -> Verdict:
    """`history` is what was said and when, in seconds from when the fault was there; `until` how long was listened."""
    kind, _, reason, _ = fault.said
    last = _told(history[-1][1].get(kind)) if history else "nothing"
    first = next((index for index, (_, conditions) in enumerate(history) if says(fault, conditions)), None)
    if first is None:
        return Verdict(None, last, "not named")
    seconds, named = history[first]
    complaints = [
        f"named after {seconds:.1f} s" if seconds > BOUND_SECONDS else "",
        "" if fault.step in named[kind]["message"] else f"without the next step ({fault.step!r})",
        f"listened for {until - seconds:.1f} s after it only" if until - seconds < HOLD_SECONDS else "",
        *(f"said otherwise {at - seconds:.1f} s later" for at, said in history[first:] if not says(fault, said)),
        *(f"wrongly Degraded/{other}" for _, said in history if (other := _degraded(said)) not in ("", reason)),
    ]
    return Verdict(seconds, last, "; ".join(dict.fromkeys(filter(None, complaints))))


def _degraded(conditions: Conditions) -> str:
    """The reason for which it is degraded, if it is."""
    found = conditions.get("Degraded")
    return str(found["reason"]) if found is not None and found["status"] == "True" else ""


def _told(condition: Mapping[str, Any] | None) -> str:
    return "nothing" if condition is None else f"{condition['status']} {condition['reason']}: {condition['message']}"
