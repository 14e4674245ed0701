"""What the services know of tracing. Without an endpoint there is no `Tracer`, and OpenTelemetry is not imported.

A span is known to others by its W3C `traceparent` (w3.org/TR/trace-context), in a header or an annotation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from guildnet.errors import Invalid
from guildnet.tracing.words import TRACEPARENT, Attributes, Kind

HEADER: Final = "traceparent"


class Span(Protocol):
    """One piece of work under way. `traceparent` is what others name as the parent of theirs."""

    traceparent: str

    def end(self, name: str, attributes: Attributes, *, failed: bool = False, end_ns: int | None = None) -> None:
        """End it under this name, now or at `end_ns` (Unix nanoseconds). Attributes that are "" are left out."""
        ...


class Tracer(Protocol):
    """Begins the spans of one process."""

    def begin(self, traceparent: str = "", *, kind: Kind = "internal", start_ns: int | None = None) -> Span:
        """A span that began now or at `start_ns` (Unix nanoseconds), in the trace of its parent; in a new one where
        `traceparent` names none."""
        ...


def accepts(traceparent: str) -> bool:
    """Whether this is a `traceparent` that names a parent."""
    return TRACEPARENT.fullmatch(traceparent) is not None


def trace_id(traceparent: str) -> str:
    """The part that all spans of a trace have in common."""
    return traceparent.split("-")[1]


@asynccontextmanager
async def tracer(service: str, version: str, endpoint: str) -> AsyncIterator[Tracer | None]:
    """The tracer of a process while the block runs, None without an endpoint; then what is left is sent.

    Raises Invalid where the process was installed without OpenTelemetry.
    """
    if not endpoint:
        yield None
        return
    try:
        from guildnet.tracing import otlp  # an extra, which takes 0.1 s to import
    except ImportError:
        text = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this image has no OpenTelemetry"
        raise Invalid(f"{text}: build it with TRACES=yes, or unset the endpoint.") from None
    made = otlp.OtlpTracer(service, version, endpoint)
    try:
        yield made
    finally:
        await asyncio.to_thread(made.close)
