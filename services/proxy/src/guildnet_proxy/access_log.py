"""Access log, metrics, and one audit line per denial and per session.

Never a query string, a cookie or a token. Access lines are collected and written together, because a write per request
costs more than the request.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from guildnet.audit import Line, Writer
from guildnet.errors import Unreachable
from guildnet.telemetry import logger
from guildnet_proxy.frontdoor.request import Record, Request
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule, family

FLUSH_SECONDS = 0.5
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


def write_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class Records:
    """`access_log` False keeps only audit lines and metrics; `write` gets finished lines."""

    def __init__(
        self, registry: CollectorRegistry, *, access_log: bool = True, write: Callable[[str], None] = write_stdout
    ) -> None:
        self._access_log = access_log
        self._write = write
        self._writer = Writer("proxy", lambda line: write(line + "\n"))
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stamp = (0, "")
        requests = Counter(
            "guildnet_proxy_requests_total", "Requests answered.", ("entry", "kind", "status"), registry=registry
        )
        seconds = Histogram(
            "guildnet_proxy_request_seconds",
            "Seconds from head to end.",
            ("kind",),
            registry=registry,
            buckets=_BUCKETS,
        )
        self._denials = Counter("guildnet_proxy_denials_total", "Requests denied.", ("rule",), registry=registry)
        self._relays = Gauge("guildnet_proxy_upgraded_connections", "Open upgraded connections.", registry=registry)
        self._requests = requests
        self._seconds = seconds
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    # ---- requests ---------------------------------------------------------------------------------------------------

    def finished(self, record: Record, now: float) -> None:
        """One request came to its end."""
        seconds = now - record.started
        key = record.entry, record.kind, record.status
        children = self._children.get(key)
        if children is None:
            children = (
                self._requests.labels(record.entry, record.kind, str(record.status)),
                self._seconds.labels(record.kind),
            )
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)
        if self._access_log:
            self._line(record, seconds, "request")

    def opened(self, record: Record) -> None:
        self._relays.inc()
        self._requests.labels(record.entry, record.kind, str(record.status)).inc()
        self._noted(record, "open", record.workspace, record.rule, "101", allowed=True)

    def closed(self, record: Record, now: float) -> None:
        self._relays.dec()
        self._noted(record, "close", record.workspace, record.rule, f"{now - record.started:.1f} s", allowed=True)
        if self._access_log:
            self._line(record, now - record.started, "upgraded")

    def _line(self, record: Record, seconds: float, event: str) -> None:
        self._lines.append(
            f'{{"event":"{event}","service":"proxy","level":"info","timestamp":"{self._now()}",'
            f'"request_id":"{record.request_id}","method":"{record.method}","path":{json.dumps(record.path)},'
            f'"status":{record.status},"bytes":{record.sent},"received":{record.received},'
            f'"ms":{seconds * 1000:.2f},"entry":"{record.entry}",'
            f'"kind":"{record.kind}","workspace":{json.dumps(record.workspace)},"who":{json.dumps(record.who)},'
            f'"rule":"{record.rule}"}}\n'
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def _now(self) -> str:
        """RFC 3339 in milliseconds; the date is formatted once a second."""
        now = time.time()
        whole = int(now)
        if self._stamp[0] != whole:
            self._stamp = whole, datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._stamp[1]}.{int((now - whole) * 1000):03d}Z"

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("".join(lines))

    # ---- audit ------------------------------------------------------------------------------------------------------

    def denied(self, record: Record, error: Refusal) -> None:
        """Count and record a denial. It stands also where its line cannot be written."""
        self._denials.labels(family(error.rule)).inc()
        self._noted(record, "request", record.workspace or record.path, error.rule, str(error.status), allowed=False)

    def session(self, request: Request, what: str, object_: str) -> None:
        """Record the begin or end of a session. Raises Refusal 503 when the line cannot be written."""
        try:
            self._audit(request.record, what, object_, request.record.rule or Rule.SESSION, "ok", allowed=True)
        except Unreachable as error:
            raise Refusal(503, "audit_failed", error.message, rule=Rule.AUDIT_FAILED) from None

    def _noted(self, record: Record, what: str, object_: str, rule: str, result: str, *, allowed: bool) -> None:
        try:
            self._audit(record, what, object_, rule, result, allowed=allowed)
        except Unreachable as error:
            logger.error("audit line not written", request_id=record.request_id, error=error.message)

    def _audit(self, record: Record, what: str, object_: str, rule: str, result: str, *, allowed: bool) -> None:
        line = Line(record.request_id, what, object_, allowed, str(rule), result, entry=record.entry)
        self._writer.record(record.identity, line)
