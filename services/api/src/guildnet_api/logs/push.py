"""Direct writes to the connections of caught-up readers.

Waking a reader's own task costs several times what its write does. So a caught-up reader is attached: the feed then
writes each new block to its connection directly, framed once for all of them. It is detached, with the id it has
reached, when its buffer is full, or when it is woken because something else than a line is to be sent.
"""

from __future__ import annotations

import asyncio

from guildnet_api.http.event_stream import Connection


def chunk(block: bytes) -> bytes:
    """A block as one chunk of HTTP/1.1's chunked coding (RFC 9112, section 7.1), which every stream is sent in."""
    return b"%x\r\n%b\r\n" % (len(block), block)


class Attachment:
    """One attached reader; `at` is the last id it was sent."""

    __slots__ = ("_woken", "at", "connection")

    def __init__(self, connection: Connection, at: str) -> None:
        self.connection = connection
        self.at = at
        self._woken = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)

    async def woken(self) -> None:
        await self._woken


class Push:
    """The attached readers of one ring. All of them have reached the same id, `at`."""

    __slots__ = ("_at", "_attached")

    def __init__(self) -> None:
        self._attached: set[Attachment] = set()
        self._at = ""

    def __len__(self) -> int:
        return len(self._attached)

    @property
    def at(self) -> str:
        return self._at

    def attach(self, connection: Connection, at: str) -> Attachment:
        """Write to this connection from now on. Raises ValueError where `at` is not the id the others have reached."""
        if self._attached and at != self._at:
            raise ValueError(f"attached readers have reached {self._at}, not {at}")
        self._at = at
        attachment = Attachment(connection, at)
        self._attached.add(attachment)
        return attachment

    def detach(self, attachment: Attachment) -> str:
        """Stop writing to it; returns the last id it was sent."""
        if attachment in self._attached:
            self._attached.remove(attachment)
            attachment.at = self._at
        return attachment.at

    def flush(self, block: bytes, to: str) -> int:
        """Write a block that ends at the id `to` to everyone; returns how many took it.

        A reader whose buffer is full is detached before the block, and woken.
        """
        framed = chunk(block)
        for attachment in [each for each in self._attached if not each.connection.write(framed)]:
            self.detach(attachment)
            attachment.wake()
        self._at = to
        return len(self._attached)

    def wake(self) -> None:
        """Wake every attached reader."""
        for attachment in self._attached:
            attachment.wake()
