"""Request: a request head with what is known about it before anybody decides."""

from __future__ import annotations

from dataclasses import dataclass

from guildnet.identity import Identity
from guildnet_proxy.admission import InFlight
from guildnet_proxy.frontdoor.way import Way
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.sites import Site


class Record:
    """What is logged about one request, and what revocation (`identity`, `workspace`) and admission (`counted` for the
    workspace, `in_flight` and `upgrade` for the caller) ask; filled in on its way. `address` is the client's, as far
    as it was needed. Never holds a query string or a cookie.

    No dataclass: its `__init__` is never compiled, and there is one of these a request.
    """

    __slots__ = (
        "address", "counted", "ended", "entry", "identity", "in_flight", "kind", "method", "path", "received",
        "request_id", "rule", "sent", "started", "status", "upgrade", "who", "workspace",
    )  # fmt: skip

    def __init__(self, request_id: str, started: float) -> None:
        self.request_id = request_id
        self.started = started
        self.ended = 0.0
        self.method = ""
        self.path = ""
        self.entry = ""
        self.address = ""
        self.kind = "none"
        self.workspace = ""
        self.who = ""
        self.rule = ""
        self.status = 0
        self.received = 0
        self.sent = 0
        self.counted = ""
        self.upgrade = False
        self.in_flight: InFlight | None = None
        self.identity: Identity | None = None


@dataclass(slots=True)
class Request:
    """`listener` is where it arrived, `site` the origin it is for, `record` what will be logged about it, `address` the
    connection's; `way` is what was decided, where that may serve the next request with the same fields, and `seen` the
    target that the workspace sees."""

    head: RequestHead
    listener: Listener
    site: Site
    record: Record
    caller: Caller
    address: str
    way: Way | None = None
    seen: bytes = b""
