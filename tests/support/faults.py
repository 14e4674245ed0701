"""The faults a `FaultProxy` can make, as values, and the answers of an API server that refuses. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum


class WriteFault(StrEnum):
    """What happens to one write."""

    KILL_BEFORE = "kill-before"
    """The client dies before the API server hears of it."""
    KILL_AFTER = "kill-after"
    """The client dies when the API server has done it, before it hears of that."""
    LOSE_ANSWER = "lose-answer"
    """The API server does it; the connection breaks instead of answering."""
    CONFLICT = "409"
    TOO_MANY = "429"
    UNAVAILABLE = "503"
    GONE = "410"


REFUSALS = (WriteFault.CONFLICT, WriteFault.TOO_MANY, WriteFault.UNAVAILABLE, WriteFault.GONE)
KILLS = (WriteFault.KILL_BEFORE, WriteFault.KILL_AFTER)


class WatchFault(StrEnum):
    """What happens to the watches of a resource at one event."""

    STALL = "stall"
    """Nothing comes for `STALL_SECONDS`, then everything that happened meanwhile."""
    REWIND = "rewind"
    """Everything this watch said before is said once more."""
    SKIP = "skip"
    """The event never arrives, in no watch, and nothing says so."""


@dataclass(frozen=True, slots=True)
class AtWrite:
    """A fault at the `nth` write (from 1) of that description (`str` of an ApiRequest).

    Not at the write of a number: two writes that are made at the same time change places from run to run.
    """

    write: str
    nth: int
    fault: WriteFault

    def __str__(self) -> str:
        return f"{self.fault} at {self.write} #{self.nth}"


@dataclass(frozen=True, slots=True)
class AtEvent:
    """A fault at the first event of this type (ADDED, MODIFIED, DELETED) about this resource."""

    resource: str
    event: str
    fault: WatchFault

    def __str__(self) -> str:
        return f"{self.fault} at {self.event} {self.resource}"


Fault = AtWrite | AtEvent

STALL_SECONDS = 2.5
_REASONS = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 503: "ServiceUnavailable"}


def refusal(code: int, verb: str) -> bytes:
    """The Status that refuses a request: a create meets a conflict only where the name is taken."""
    reason = "AlreadyExists" if code == 409 and verb == "create" else _REASONS[code]
    return json.dumps({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": f"injected {code}",
    }).encode()  # fmt: skip
