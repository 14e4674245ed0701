"""Tracer over OpenTelemetry's SDK: spans go to a collector in batches, from a thread, as protobuf over HTTP."""

from __future__ import annotations

from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, set_span_in_context
from opentelemetry.trace import Span as OpenTelemetrySpan

from guildnet.tracing.words import TRACEPARENT, Attributes, Kind

EXPORT_SECONDS: Final = 3.0
"""How long one export may take, and the last one at the end of the process."""
_KINDS: Final = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL}


class OtlpSpan:
    """See `Span`."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: OpenTelemetrySpan) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, name: str, attributes: Attributes, *, failed: bool = False, end_ns: int | None = None) -> None:
        self._span.update_name(name)
        self._span.set_attributes({key: value for key, value in attributes.items() if value != ""})
        if failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end(end_ns)


class OtlpTracer:
    """See `Tracer`."""

    def __init__(self, service: str, version: str, endpoint: str) -> None:
        """`endpoint` is a base URL: OTLP adds /v1/traces."""
        resource = Resource.create({"service.name": f"guildnet-{service}", "service.version": version})
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("guildnet")

    def begin(self, traceparent: str = "", *, kind: Kind = "internal", start_ns: int | None = None) -> OtlpSpan:
        return OtlpSpan(self._tracer.start_span("", _context(traceparent), _KINDS[kind], start_time=start_ns))

    def close(self) -> None:
        """Send what is left; takes EXPORT_SECONDS at most."""
        self._provider.shutdown()


def _context(traceparent: str) -> Context:
    """What a span of this parent begins in."""
    found = TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return Context()
    trace, span, flags = (int(part, 16) for part in found.groups())
    parent = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(parent), Context())
