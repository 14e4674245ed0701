"""The audit of denials: one line each for callers that are known; of strangers the first ones, then sums.

Anybody can be denied as often as he can ask. So a stranger's denials are counted by address and reason, and what was
not written at once is written as one line per address and reason when the interval ends: none is lost, and an interval
has a bounded number of lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import monotonic

from guildnet.audit import Line
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.http.errors import Refusal

SUM_SECONDS = 60.0
"""An interval."""
FIRST_OF_A_KIND = 5
"""Lines at once of one address and reason in an interval."""
FIRST_IN_ALL = 100
"""Lines at once of all strangers in an interval."""
MAX_KINDS = 256
"""Addresses and reasons that are told apart in an interval; the rest is summed by reason alone, with no address."""

Kind = tuple[str, str, str, str]
"""Address, rule, status, entry."""


class Denials:
    """`write` records one line about a caller."""

    def __init__(self, write: Callable[[Record, Line], None]) -> None:
        self._write = write
        self._began = -inf
        self._at_once = 0
        self._seen: dict[Kind, int] = {}
        self._held: dict[Kind, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def denied(self, record: Record, error: Refusal) -> None:
        known = record.identity is not None and record.identity.kind != "anonymous"
        rule, status = str(error.rule), str(error.status)
        if known or self._shown(record, rule, status):
            line = _line(record, record.workspace or record.path, rule, status)
            self._write(record, line if known else replace(line, address=record.address))

    def _shown(self, record: Record, rule: str, status: str) -> bool:
        """Is this one written at once? Else it is counted."""
        now = monotonic()
        if now - self._began > SUM_SECONDS:
            self.sum_up()
            self._began = now
        kind = record.address, rule, status, record.entry
        told_apart = kind in self._seen or len(self._seen) < MAX_KINDS
        if not told_apart:
            kind = "", *kind[1:]
        seen = self._seen[kind] = self._seen.get(kind, 0) + 1
        if seen <= FIRST_OF_A_KIND and self._at_once < FIRST_IN_ALL and told_apart:
            self._at_once += 1
            return True
        self._held[kind] = self._held.get(kind, 0) + 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._began + SUM_SECONDS - now, self.sum_up)
        return False

    def sum_up(self) -> None:
        """Writes what was counted, and begins to count anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, {}
        self._seen.clear()
        self._at_once, self._began = 0, monotonic()
        for (address, rule, status, entry), count in held.items():
            nobody = Record("", 0.0)
            nobody.entry = entry
            self._write(nobody, replace(_line(nobody, "", rule, status), address=address, count=count))


def _line(record: Record, what: str, rule: str, status: str) -> Line:
    return Line(record.request_id, "request", what, allowed=False, rule=rule, result=status, entry=record.entry)
