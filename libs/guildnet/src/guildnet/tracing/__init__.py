"""Spans of what a process does for a request, sent to an OpenTelemetry collector where an endpoint is set."""

from guildnet.tracing.spans import HEADER, Span, Tracer, accepts, trace_id, tracer
from guildnet.tracing.words import Attributes, Kind

__all__ = ["HEADER", "Attributes", "Kind", "Span", "Tracer", "accepts", "trace_id", "tracer"]
