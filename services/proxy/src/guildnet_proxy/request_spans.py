"""Spans of requests to the control origin, and of those that are refused. Only there while traces are on.

What goes to a workspace keeps the `traceparent` it came with: that trace is the client's and the workspace's own.
"""

from __future__ import annotations

from guildnet.tracing import Attributes, Tracer, accepts
from guildnet_proxy.frontdoor.request import Record


class RequestSpans:
    """Begins the span of a request, and ends it when its record is complete."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, record: Record, traceparent: bytes) -> bytes:
        """In the trace that the client names, else in a new one; the `traceparent` of what follows."""
        given = traceparent.decode("latin-1")
        span = record.span = self._tracer.begin(given if accepts(given) else "", kind="server")
        return span.traceparent.encode()

    def end(self, record: Record, offset: float) -> None:
        """With what the record says. `offset` is what its times lack to Unix seconds."""
        span = record.span
        if span is None:
            return
        attributes: Attributes = {
            "http.request.method": record.method,
            "http.response.status_code": record.status,
            "url.path": record.path,
            "guildnet.request_id": record.request_id,
            "guildnet.entry": record.entry,
            "guildnet.kind": record.kind,
            "guildnet.workspace": record.workspace,
            "guildnet.rule": record.rule,
        }
        ended = int((record.ended + offset) * 1_000_000_000)
        span.end(f"{record.method} {record.kind}", attributes, failed=record.status >= 500, end_ns=ended)
