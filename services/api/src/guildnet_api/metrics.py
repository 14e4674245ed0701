"""Metrics of the api. Labels are route templates and results, never workspaces: their number has no bound."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from guildnet_api.logs.model import NS_PER_SECOND, Kind, Record


class Metrics:
    """The api's own metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "guildnet_api_requests_total",
            "Requests by route, method and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "guildnet_api_request_seconds",
            "Seconds from a request until its response began.",
            ["route"],
            registry=registry,
        )
        self.viewers = Gauge("guildnet_api_viewers", "Open event streams.", ["stream"], registry=registry)
        self.cut = Counter("guildnet_api_viewers_cut_total", "Viewers cut.", ["reason"], registry=registry)
        self.feeds = Gauge("guildnet_api_log_feeds", "Container runs held in memory.", registry=registry)
        self.follows = Counter("guildnet_api_log_follows_total", "Follows begun.", ["how"], registry=registry)
        self.lines = Counter("guildnet_api_log_lines_total", "Log lines received for viewers.", registry=registry)
        self.gaps = Counter(
            "guildnet_api_log_gaps_total", "Places where lines were lost, by cause.", ["reason"], registry=registry
        )
        self.dropped = Counter(
            "guildnet_api_log_lines_dropped_total", "Lines that came too fast to be followed.", registry=registry
        )
        self.lag = Histogram(
            "guildnet_api_log_lag_seconds",
            "From a line's own time until viewers are woken for it.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self.sent = Counter("guildnet_api_log_bytes_sent_total", "Bytes of log streams sent.", registry=registry)

    def log_bytes_sent(self, size: int) -> None:
        """Count bytes written to readers of logs."""
        self.sent.inc(size)

    def records_received(self, records: Sequence[Record]) -> None:
        """Count records that are about to be sent for the first time, and their age."""
        lines = [record for record in records if record.kind is Kind.LINE]
        self.lines.inc(len(lines))
        if lines:
            self.lag.observe(max(0.0, time.time() - lines[-1].time_ns / NS_PER_SECOND))
        for gap in (record.data for record in records if record.kind is Kind.GAP):
            reported = json.loads(gap)
            self.gaps.labels(reported["reason"]).inc()
            self.dropped.inc(reported.get("lines", 0))
