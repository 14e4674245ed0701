"""Spans of what a process does for a request, sent to an OpenTelemetry collector where an endpoint is set."""

from guildnet.tracing.spans import HEADER, Attributes, Kind, Span, Tracer, accepts, trace_id, tracer

__all__ = ["HEADER", "Attributes", "Kind", "Span", "Tracer", "accepts", "trace_id", "tracer"]
