"""What the front door decides about a request: an answer made here, or a place to forward it to."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from dataclasses import dataclass, field

from guildnet.identity import Identity
from guildnet_proxy.frontdoor.pages import Answer
from guildnet_proxy.rewrite.response_head import ControlRules, WorkspaceRules


@dataclass(frozen=True, slots=True)
class Place:
    """Where connections go, and what tells two of them apart in the pool."""

    address: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


@dataclass(slots=True)
class Record:
    """What is logged about one request; filled in on its way. Never holds a query string or a cookie."""

    request_id: str
    started: float
    method: str = ""
    path: str = ""
    entry: str = ""
    kind: str = "none"
    workspace: str = ""
    who: str = ""
    rule: str = ""
    status: int = 0
    sent: int = 0
    counted: str = ""
    identity: Identity | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Forward:
    """`head` is the finished request head; `places` are tried in order until one accepts a connection."""

    places: tuple[Place, ...]
    head: bytes
    rules: WorkspaceRules | ControlRules


Outcome = Answer | Forward
Decision = Outcome | Awaitable[Outcome]
