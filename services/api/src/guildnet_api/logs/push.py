"""Readers that stand at the end of a view, and are written to without being woken.

A reader's own task costs several times what its write does. So one that has nothing left to read gets on: from then on
the feed writes each new block to its connection itself, framed once for all of them. It gets off again, with the place
it stands at, when its connection is full, or when it is called because something else than a line is to be looked at.
"""

from __future__ import annotations

import asyncio

from guildnet_api.http.event_stream import Connection


def chunk(block: bytes) -> bytes:
    """A block as one chunk of HTTP/1.1's chunked coding (RFC 9112, section 7.1), which every stream is sent in."""
    return b"%x\r\n%b\r\n" % (len(block), block)


class Rider:
    """One reader on its way; `at` is the last id it was sent."""

    __slots__ = ("_called", "at", "connection")

    def __init__(self, connection: Connection, at: str) -> None:
        self.connection = connection
        self.at = at
        self._called = asyncio.get_running_loop().create_future()

    def call(self) -> None:
        if not self._called.done():
            self._called.set_result(None)

    async def called(self) -> None:
        await self._called


class Riders:
    """All riders of one view; they stand at the same place."""

    __slots__ = ("_at", "_riders")

    def __init__(self) -> None:
        self._riders: set[Rider] = set()
        self._at = ""

    def __len__(self) -> int:
        return len(self._riders)

    @property
    def at(self) -> str:
        return self._at

    def get_on(self, connection: Connection, at: str) -> Rider:
        """`at` has to be where all others stand; the first one decides."""
        if self._riders and at != self._at:
            raise ValueError(f"riders stand at {self._at}, not at {at}")
        self._at = at
        rider = Rider(connection, at)
        self._riders.add(rider)
        return rider

    def get_off(self, rider: Rider) -> str:
        """Where it stands."""
        if rider in self._riders:
            self._riders.remove(rider)
            rider.at = self._at
        return rider.at

    def carry(self, block: bytes, to: str) -> int:
        """Write a block that ends at `to` to everyone; how many took it. Who did not gets off before it."""
        framed = chunk(block)
        for rider in [rider for rider in self._riders if not rider.connection.write(framed)]:
            self.get_off(rider)
            rider.call()
        self._at = to
        return len(self._riders)

    def call(self) -> None:
        """Let everyone look around."""
        for rider in self._riders:
            rider.call()
