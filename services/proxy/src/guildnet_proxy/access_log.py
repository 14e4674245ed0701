"""Access log, metrics, and the audit of sessions and denials.

Never a query string, a cookie or a token. Finished requests are collected, and counted and written together: a write
per request costs more than the request. Nothing is lost: a flush at the end has what no other had.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from guildnet.audit import Line, Writer
from guildnet.errors import Unreachable
from guildnet.telemetry import logger
from guildnet_proxy.denials import Denials
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.memo import Memo
from guildnet_proxy.request_metrics import RequestMetrics
from guildnet_proxy.request_spans import RequestSpans
from guildnet_proxy.rules import Rule, family

FLUSH_SECONDS = 0.5
MOST_AT_ONCE: Final = 500
"""Finished requests that are counted and written together: about a millisecond and a half of work."""
MAX_REMEMBERED_ENDS = 1024


_THOUSANDTHS: Final = [f"{number:03d}Z" for number in range(1000)]
_HUNDREDTHS: Final = [f".{number:02d}" for number in range(100)]


def _milliseconds(seconds: float) -> str:
    """With two decimals; formatting a float costs ten times as much."""
    hundredths = int(seconds * 100_000 + 0.5)
    return str(hundredths // 100) + _HUNDREDTHS[hundredths % 100]


def write_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class Records:
    """`access_log` False keeps only audit lines and metrics; `write` gets finished lines."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        access_log: bool = True,
        write: Callable[[str], None] = write_stdout,
        spans: RequestSpans | None = None,
    ) -> None:
        self._access_log = access_log
        self._write = write
        self.spans = spans
        self._writer = Writer("proxy", lambda line: write(line + "\n"))
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stamped_second = 0
        self._stamp = ""
        self._offset = 0.0
        self._finished: list[Record] = []
        self._ends: Memo[tuple[str, str, str, str, str], str] = Memo(MAX_REMEMBERED_ENDS)
        self._audited = Denials(self._written)
        self._denials = Counter("guildnet_proxy_denials_total", "Requests denied.", ("rule",), registry=registry)
        self._relays = Gauge("guildnet_proxy_upgraded_connections", "Open upgraded connections.", registry=registry)
        self._metrics = RequestMetrics(registry, self._count)

    # ---- requests ---------------------------------------------------------------------------------------------------

    def finished(self, record: Record, now: float) -> None:
        """One request came to its end."""
        record.ended = now
        finished = self._finished
        finished.append(record)
        if self._timer is None:
            self._begin(now)
        elif len(finished) >= MOST_AT_ONCE:
            self.flush()

    def _begin(self, now: float) -> None:
        """The first of those that are written together."""
        self._offset = time.time() - now
        self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def _count(self) -> None:
        """Counts what has finished, and makes its lines."""
        finished, self._finished = self._finished, []
        for record in finished:
            seconds = record.ended - record.started
            self._metrics.add(record.entry, record.kind, record.status, seconds)
            if self._access_log:
                self._lines.append(self._line(record, seconds, "request"))
            if self.spans is not None:
                self.spans.end(record, self._offset)

    def opened(self, record: Record) -> None:
        # Thousands are open for hours: those of a caller have the same words in memory.
        record.method, record.who, record.address = map(sys.intern, (record.method, record.who, record.address))
        self._relays.inc()
        self._metrics.count(record.entry, record.kind, record.status)
        self._noted(record, "open", record.rule, "101")

    def closed(self, record: Record, now: float) -> None:
        self._relays.dec()
        self._noted(record, "close", record.rule, f"{now - record.started:.1f} s")
        if self._access_log:
            record.ended = now
            if self._timer is None:
                self._begin(now)
            self._lines.append(self._line(record, now - record.started, "upgraded"))

    def _line(self, record: Record, seconds: float, event: str) -> str:
        key = record.entry, record.kind, record.workspace, record.who, record.rule
        end = self._ends.get(key)
        if end is None:
            end = self._end(*key)
            self._ends.put(key, end)
        path = record.path
        quoted = json.dumps(path) if '"' in path or "\\" in path or not path.isascii() else f'"{path}"'
        return (
            f'{{"event":"{event}","service":"proxy","level":"info","timestamp":"{self._stamped(record.ended)}",'
            f'"request_id":"{record.request_id}","method":"{record.method}","path":{quoted},'
            f'"status":{record.status},"bytes":{record.sent},"received":{record.received},'
            f'"ms":{_milliseconds(seconds)},{end}'
        )

    def _end(self, entry: str, kind: str, workspace: str, who: str, rule: str) -> str:
        """What the lines of one caller at one workspace have in common."""
        return (
            f'"entry":"{entry}","kind":"{kind}","workspace":{json.dumps(workspace)},"who":{json.dumps(who)},'
            f'"rule":"{rule}"}}\n'
        )

    def _stamped(self, ended: float) -> str:
        """RFC 3339 in milliseconds; the date is formatted once a second."""
        milliseconds = int((ended + self._offset) * 1000 + 0.5)
        whole = milliseconds // 1000
        if self._stamped_second != whole:
            self._stamped_second = whole
            self._stamp = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return self._stamp + _THOUSANDTHS[milliseconds % 1000]

    def flush(self) -> None:
        """Counts and writes what has finished."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._count()
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("".join(lines))

    # ---- audit ------------------------------------------------------------------------------------------------------

    def denied(self, record: Record, error: Refusal) -> None:
        """Count and record a denial. It stands also where its line cannot be written."""
        self._denials.labels(family(error.rule)).inc()
        self._audited.denied(record, error)

    def session(self, record: Record, what: str, object_: str) -> None:
        """Record the begin or end of a session. Raises Refusal 503 when the line cannot be written."""
        try:
            rule = str(record.rule or Rule.SESSION)
            line = Line(record.request_id, what, object_, allowed=True, rule=rule, result="ok", entry=record.entry)
            self._writer.record(record.identity, line)
        except Unreachable as error:
            raise Refusal(503, "audit_failed", error.message, rule=Rule.AUDIT_FAILED) from None

    def close(self) -> None:
        """Writes what was held back: what has finished, and the sums of denials."""
        self.flush()
        self._audited.sum_up()

    def _noted(self, record: Record, what: str, rule: str, result: str) -> None:
        name, rid = record.workspace, record.request_id
        self._written(record, Line(rid, what, name, allowed=True, rule=str(rule), result=result, entry=record.entry))

    def _written(self, record: Record, line: Line) -> None:
        """What is recorded stands also where its line cannot be written."""
        try:
            self._writer.record(record.identity, line)
        except Unreachable as error:
            logger.error("audit line not written", request_id=record.request_id, error=error.message)
