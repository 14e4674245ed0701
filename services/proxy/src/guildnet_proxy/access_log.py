"""What is written down about requests: the access log, metrics, and one audit line per denial and per session.

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

from guildnet.telemetry import logger
from guildnet_proxy.frontdoor.request import Request
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Record

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
        self.audit(record, "open", record.workspace, "allowed", record.rule, "101")

    def closed(self, record: Record, now: float) -> None:
        self._relays.dec()
        self.audit(record, "close", record.workspace, "allowed", record.rule, f"{now - record.started:.1f} s")
        if self._access_log:
            self._line(record, now - record.started, "upgraded")

    def _line(self, record: Record, seconds: float, event: str) -> None:
        self._lines.append(
            f'{{"event":"{event}","service":"proxy","level":"info","timestamp":"{self._now()}",'
            f'"request_id":"{record.request_id}","method":"{record.method}","path":{json.dumps(record.path)},'
            f'"status":{record.status},"bytes":{record.sent},"ms":{seconds * 1000:.2f},"entry":"{record.entry}",'
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
        self._denials.labels(error.rule.partition("/")[0]).inc()
        self.audit(record, "request", record.workspace or record.path, "denied", error.rule, str(error.status))

    def session(self, request: Request, what: str, object_: str) -> None:
        self.audit(request.record, what, object_, "allowed", request.record.rule or "session", "ok")

    def audit(self, record: Record, what: str, object_: str, decision: str, rule: str, result: str) -> None:
        identity = record.identity
        logger.info(
            "audit",
            request_id=record.request_id,
            who=record.who or "anonymous",
            source=identity.source if identity is not None else "none",
            entry=record.entry,
            what=what,
            object=object_,
            decision=decision,
            rule=rule,
            result=result,
        )
