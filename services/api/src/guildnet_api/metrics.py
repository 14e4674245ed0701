"""What is counted. Labels are route templates and outcomes, never workspaces: their number has no bound."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The api's own metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "guildnet_api_requests_total", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "guildnet_api_request_seconds", "Seconds until the answer began.", ["route"], registry=registry
        )
        self.viewers = Gauge("guildnet_api_viewers", "Open event streams.", ["stream"], registry=registry)
        self.cut = Counter("guildnet_api_viewers_cut_total", "Viewers cut.", ["reason"], registry=registry)
        self.feeds = Gauge("guildnet_api_log_feeds", "Container runs held in memory.", registry=registry)
        self.follows = Counter("guildnet_api_log_follows_total", "Follows begun.", ["how"], registry=registry)
        self.lines = Counter("guildnet_api_log_lines_total", "Log lines received for viewers.", registry=registry)
        self.sent = Counter("guildnet_api_log_bytes_sent_total", "Bytes of log streams sent.", registry=registry)
