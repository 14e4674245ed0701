"""Request: a request head with what is known about it before anybody decides."""

from __future__ import annotations

from guildnet.identity import Identity
from guildnet.tracing import Span
from guildnet_proxy.admission import InFlight
from guildnet_proxy.auth.authenticate import Credential
from guildnet_proxy.frontdoor.way import Way
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.sites import Site


class Record:
    """What is logged about one request, and what revocation (`identity`, `credential`, `workspace`) and admission
    (`counted` for the workspace, `in_flight` and `upgrade` for the caller) ask; filled in on its way. `address` is the
    client's, as far as it was needed. What is logged of it holds no query string and no cookie.

    None of what is made for a request is a dataclass: what those generate is never compiled.
    """

    __slots__ = (
        "address", "counted", "credential", "ended", "entry", "identity", "in_flight", "kind", "method", "path",
        "received", "request_id", "rule", "sent", "span", "started", "status", "upgrade", "who", "workspace",
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
        self.span: Span | None = None
        self.credential: Credential | None = None


class Request:
    """`listener` is where it arrived, `site` the origin it is for, `record` what will be logged about it, `address` the
    connection's; `way` is what was decided, where that may serve the next request with the same fields, and `seen` the
    target that the workspace sees. `traceparent` goes along to the api while traces are on. One that is only explained
    has the identity that it is `assumed` to come from, and `vouched` says that its sender would carry a token."""

    __slots__ = (
        "address", "assumed", "caller", "head", "listener", "record", "seen", "site", "traceparent", "vouched", "way",
    )  # fmt: skip

    def __init__(
        self, head: RequestHead, listener: Listener, site: Site, record: Record, caller: Caller, address: str
    ) -> None:
        self.head = head
        self.listener = listener
        self.site = site
        self.record = record
        self.caller = caller
        self.address = address
        self.way: Way | None = None
        self.seen = b""
        self.traceparent = b""
        self.assumed: Identity | None = None
        self.vouched = False
