"""Contracts of the engine with who decides about requests: values both sides pass, Protocols each side keeps."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple, Protocol, TypeVar

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.incoming import Incoming
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.message.response import Names, ResponseHead


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a connection arrived; `private` is the sidecar's socket, whose headers are believed; on a `direct` one
    connections of the tailnet arrive as they are, each with its device's address; on a `vouched` one those of an
    authenticating proxy alone, which says by a header who it is."""

    name: str
    private: bool
    direct: bool = False
    vouched: bool = False

    @property
    def tailnet(self) -> bool:
        return self.private or self.direct


class Place(NamedTuple):
    """Where connections go, and what tells two of them apart in the pool."""

    address: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


class HeadRewriter(Protocol):
    """What becomes of an upstream's response head on its way to the client; `names` says which fields it looks at."""

    @property
    def names(self) -> Names: ...

    def lines(self, head: ResponseHead, note: bytes) -> list[bytes]:
        """Status line and fields, without framing and without the empty line; `note` is the Forward's."""
        ...


class Record(Protocol):
    """What is known about one request; the engine writes the status and the payload bytes, and reads no more."""

    status: int
    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response made here. `headers` are finished lines with CRLF; `close` ends the connection after it."""

    status: int
    body: bytes = b""
    headers: bytes = b""
    close: bool = False

    def encode(self, *, head_only: bool, keep_alive: bool) -> bytes:
        """The response on the wire; without its body for HEAD."""
        reason = HTTPStatus(self.status).phrase.encode()
        end = b"" if keep_alive and not self.close else b"Connection: close\r\n"
        framing = b"" if self.status in {204, 304} else b"Content-Length: %d\r\n" % len(self.body)
        head = b"HTTP/1.1 %d %b\r\n%b%b%b\r\n" % (self.status, reason, self.headers, framing, end)
        return head if head_only else head + self.body


class Forward:
    """`head` is the finished request head; `places` are tried in order until one accepts a connection; `who` is what
    messages about a failure call the upstream; `note` goes back to `rules` with every response head.

    Of a `tunnel`, `head` is the finished answer to the client's handshake, sent once there is a connection.

    Never changed after it was made. No dataclass: what those generate is never compiled, and there is one a request.
    """

    __slots__ = ("head", "note", "places", "rules", "tunnel", "who")

    def __init__(
        self,
        places: tuple[Place, ...],
        head: bytes,
        rules: HeadRewriter,
        note: bytes = b"",
        who: str = "The workspace",
        *,
        tunnel: bool = False,
    ) -> None:
        self.places = places
        self.head = head
        self.rules = rules
        self.note = note
        self.who = who
        self.tunnel = tunnel


Outcome = Answer | Forward
Decision = Outcome | Awaitable[Outcome]

R = TypeVar("R", bound=Record)
R_contra = TypeVar("R_contra", bound=Record, contravariant=True)


class Handler(Protocol[R]):
    """Decides about requests. `handle` and `refused` never raise."""

    def record(self, now: float) -> R:
        """The record of a request that begins `now`, in seconds of the loop's clock."""
        ...

    def handle(self, head: RequestHead, listener: Listener, address: str, record: R) -> Decision: ...

    def refused(self, error: Refusal, record: R, head: RequestHead | None = None) -> Answer: ...

    def release(self, record: R) -> None:
        """The request, or the relay it became, is over: gives back what was counted for it."""
        ...


class Recorder(Protocol[R_contra]):
    """What is told of finished requests, and of relays that opened and closed; `now` is the loop's clock."""

    def finished(self, record: R_contra, now: float) -> None: ...

    def opened(self, record: R_contra) -> None: ...

    def closed(self, record: R_contra, now: float) -> None: ...


class Side(Protocol):
    """One end of an upgraded connection as its protocol leaves it; `full_since` is when its buffer got full, or 0.0."""

    transport: asyncio.Transport
    full_since: float


class ClientSide(Protocol):
    """The client's side of an exchange."""

    incoming: Incoming
    full_since: float
    transport: asyncio.Transport

    @property
    def write(self) -> Callable[[bytes], None]: ...

    def stays(self) -> bool:
        """May the connection serve another request?"""
        ...

    def exchange_done(self, now: float, *, keep_alive: bool) -> None: ...

    def exchange_failed(self, refusal: Refusal) -> None:
        """The exchange came to nothing before its response began."""
        ...

    def upgraded(self, head: bytes, upstream: Side, *, tunnel: bool = False) -> None: ...

    def cut(self) -> None:
        """The response broke off: the client has to see that it is not whole."""
        ...
