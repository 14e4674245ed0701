"""What a client's connection needs of the server it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from guildnet_proxy.http.forward import Handler, R, Side
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import Heads
from guildnet_proxy.http.upstream import Pool


class Relaying(Protocol):
    """What owns both ends of an upgraded connection."""

    def begin(self, down: bytes, up: bytes) -> None:
        """Writes what came before it was there: to the client, and to the upstream."""
        ...


class Owner(Protocol[R]):
    """`clients` are the connections that are open and not upgraded."""

    loop: asyncio.AbstractEventLoop
    limits: Limits
    heads: Heads
    pool: Pool
    clients: set[Any]
    handler: Handler[R]
    draining: bool

    def admit(self, address: str) -> bool:
        """Counts one more connection from `address`; False, uncounted, where there are too many."""
        ...

    def left(self, address: str) -> None:
        """A connection that was admitted is gone."""
        ...

    def later(self, go_on: Callable[[], None]) -> None:
        """Calls `go_on` when the others that are behind have had their turn."""
        ...

    def finished(self, record: R, now: float) -> None: ...

    def relay(self, client: Side, upstream: Side, record: R, address: str, *, tunnel: bool) -> Relaying:
        """The relay, or tunnel, that owns both transports from here on, and the admission of `address`."""
        ...
