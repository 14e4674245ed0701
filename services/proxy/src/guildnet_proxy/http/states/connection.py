"""States of a client's connection, and every transition between them as one table."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from guildnet_proxy.http.states.table import Table


class State(IntEnum):
    """What a connection is doing."""

    HEAD = 0
    """Idle, or reading a request head."""
    DECIDING = 1
    """A head was read; the handler has not decided yet."""
    EXCHANGE = 2
    """A request is on its way to an upstream, or its response on the way back."""
    LINGER = 3
    """An answer that ends the connection was written; what still comes is read and dropped, or the kernel would reset
    the answer away."""
    RELAYED = 4
    """Upgraded: the transport is a relay's."""
    CLOSED = 5
    """Closed or aborted here, or gone."""


class Event(IntEnum):
    """What happens to a connection."""

    HEAD_READ = 0
    FORWARDED = 1
    """The handler chose to forward the request."""
    KEPT = 2
    """The response is written and the connection serves another request."""
    ENDED = 3
    """Nothing more is to be read or written: the connection closes after what is written."""
    UNREAD = 4
    """An answer is written, the connection ends, and bytes of the request may still come."""
    UPGRADED = 5
    ABORTED = 6
    """The response broke off, a deadline is over, there are too many connections, or something failed here."""
    LEFT = 7
    """The client closed its sending side: it is taken for gone."""
    LOST = 8
    """The transport is gone."""


TRANSITIONS: Final[Table[State, Event]] = Table(
    State,
    Event,
    {
        (State.HEAD, Event.HEAD_READ): State.DECIDING,
        (State.HEAD, Event.UNREAD): State.LINGER,
        (State.HEAD, Event.ENDED): State.CLOSED,
        (State.HEAD, Event.ABORTED): State.CLOSED,
        (State.HEAD, Event.LEFT): State.CLOSED,
        (State.HEAD, Event.LOST): State.CLOSED,
        (State.DECIDING, Event.FORWARDED): State.EXCHANGE,
        (State.DECIDING, Event.KEPT): State.HEAD,
        (State.DECIDING, Event.ENDED): State.CLOSED,
        (State.DECIDING, Event.UNREAD): State.LINGER,
        (State.DECIDING, Event.ABORTED): State.CLOSED,
        (State.DECIDING, Event.LEFT): State.CLOSED,
        (State.DECIDING, Event.LOST): State.CLOSED,
        (State.EXCHANGE, Event.KEPT): State.HEAD,
        (State.EXCHANGE, Event.ENDED): State.CLOSED,
        (State.EXCHANGE, Event.UNREAD): State.LINGER,
        (State.EXCHANGE, Event.UPGRADED): State.RELAYED,
        (State.EXCHANGE, Event.ABORTED): State.CLOSED,
        (State.EXCHANGE, Event.LEFT): State.CLOSED,
        (State.EXCHANGE, Event.LOST): State.CLOSED,
        (State.LINGER, Event.ABORTED): State.CLOSED,
        (State.LINGER, Event.LEFT): State.CLOSED,
        (State.LINGER, Event.LOST): State.CLOSED,
        (State.RELAYED, Event.ABORTED): State.CLOSED,
        # Closing waits for what is written to be read, until it is aborted.
        (State.CLOSED, Event.ABORTED): State.CLOSED,
        (State.CLOSED, Event.LOST): State.CLOSED,
    },
)
