"""States of one exchange, and every transition between them as one table."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from guildnet_proxy.http.states.table import Table


class State(IntEnum):
    """What an exchange is doing."""

    CONNECTING = 0
    """There is no connection to the upstream yet; what comes of the request's body is held."""
    SENDING = 1
    """The request's head is on its way, its body is not whole; no answer has begun."""
    WAITING = 2
    """The whole request is on its way; no final response head has come."""
    STREAMING = 3
    """The final response head has gone to the client; the request's body may still be coming."""
    SPLICING = 4
    """The same, and most of the response's body goes from socket to socket in the kernel; the request is whole."""
    DONE = 5
    """The whole response has gone to the client."""
    UPGRADED = 6
    """Both transports are a relay's."""
    FAILED = 7
    """It came to nothing before its answer began; the client gets an answer of ours."""
    BROKEN = 8
    """The answer broke off; the client's connection is cut."""
    ABANDONED = 9
    """The client is gone, or does not read."""


class Event(IntEnum):
    """What happens to an exchange."""

    CONNECTED = 0
    """There is a connection, from the pool or new, and the request's head is written to it."""
    SENT = 1
    """The last byte of the request is written to the upstream."""
    ANSWERED = 2
    """The final response head has come and goes to the client."""
    FINISHED = 3
    """The response is whole."""
    SWITCHED = 4
    """The upstream answered 101 to a request that asked for it."""
    LOST_UNUSED = 5
    """A pooled connection ended before the first byte of an answer, and the request may be sent again."""
    FAILED = 6
    """The upstream or the request's body is at fault, or a deadline is over, before an answer began."""
    BROKE_OFF = 7
    """The same after the answer began."""
    CLIENT_GONE = 8
    SPLICED = 9
    """The body is left to the kernel."""
    UNSPLICED = 10
    """What is missing of the body comes the usual way again."""


TRANSITIONS: Final[Table[State, Event]] = Table(
    State,
    Event,
    {
        (State.CONNECTING, Event.CONNECTED): State.SENDING,
        (State.CONNECTING, Event.FAILED): State.FAILED,
        (State.CONNECTING, Event.CLIENT_GONE): State.ABANDONED,
        (State.SENDING, Event.SENT): State.WAITING,
        (State.SENDING, Event.ANSWERED): State.STREAMING,
        (State.SENDING, Event.FAILED): State.FAILED,
        (State.SENDING, Event.CLIENT_GONE): State.ABANDONED,
        (State.WAITING, Event.ANSWERED): State.STREAMING,
        (State.WAITING, Event.SWITCHED): State.UPGRADED,
        (State.WAITING, Event.LOST_UNUSED): State.CONNECTING,
        (State.WAITING, Event.FAILED): State.FAILED,
        (State.WAITING, Event.CLIENT_GONE): State.ABANDONED,
        (State.STREAMING, Event.SENT): State.STREAMING,
        (State.STREAMING, Event.FINISHED): State.DONE,
        (State.STREAMING, Event.BROKE_OFF): State.BROKEN,
        (State.STREAMING, Event.CLIENT_GONE): State.ABANDONED,
        (State.STREAMING, Event.SPLICED): State.SPLICING,
        (State.SPLICING, Event.UNSPLICED): State.STREAMING,
        (State.SPLICING, Event.BROKE_OFF): State.BROKEN,
        (State.SPLICING, Event.CLIENT_GONE): State.ABANDONED,
    },
)
