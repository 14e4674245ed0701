"""Request: a request head with what is known about it before anybody decides."""

from __future__ import annotations

from dataclasses import dataclass, field

from guildnet.identity import Identity
from guildnet_proxy.admission import InFlight
from guildnet_proxy.frontdoor.way import Way
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.sites import Site


@dataclass(slots=True)
class Record:
    """What is logged about one request, and what revocation (`identity`, `workspace`) and admission (`counted` for the
    workspace, `in_flight` and `upgrade` for the caller) ask; filled in on its way. `address` is the client's,
    as far as it was needed. Never holds a query string or a
    cookie."""

    request_id: str
    started: float
    method: str = ""
    path: str = ""
    entry: str = ""
    address: str = field(default="", compare=False)
    kind: str = "none"
    workspace: str = ""
    who: str = ""
    rule: str = ""
    status: int = 0
    received: int = 0
    sent: int = 0
    ended: float = 0.0
    counted: str = ""
    upgrade: bool = False
    in_flight: InFlight | None = field(default=None, repr=False, compare=False)
    identity: Identity | None = field(default=None, repr=False)


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
