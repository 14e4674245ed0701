"""The result of one check of `doctor`."""

from __future__ import annotations

from typing import Final, NamedTuple

OK_: Final = "ok"
FAULT: Final = "fault"
UNKNOWN: Final = "unknown"


class Finding(NamedTuple):
    """What a check found. `state` is ok, fault or unknown (it could not tell); `fix` is the next step."""

    check: str
    state: str
    says: str
    fix: str = ""


def ok(check: str, says: str) -> Finding:
    return Finding(check, OK_, says)


def fault(check: str, says: str, fix: str) -> Finding:
    return Finding(check, FAULT, says, fix)


def unknown(check: str, says: str, fix: str = "") -> Finding:
    return Finding(check, UNKNOWN, says, fix)
