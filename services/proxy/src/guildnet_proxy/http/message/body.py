"""Bodies on their way through: what is read of one, and what goes on of it (RFC 9112 6.3).

Here are those that end by length or with the connection; chunks.py has the others.
"""

from __future__ import annotations

LAST_CHUNK = b"0\r\n\r\n"


class Body:
    """Takes bytes as they come and gives those that go on. `feed` raises BrokenFraming, and is not called again once
    `done`; `rest` is then what came behind the end.

    `payload` counts what the body holds, in bytes; `later` is what is to be fed again, when others had their turn.
    """

    __slots__ = ("done", "later", "payload", "rest")

    def __init__(self) -> None:
        self.done = False
        self.payload = 0
        self.rest = b""
        self.later = b""

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError


class Length(Body):
    """A body of `remaining` bytes; what follows them in the same read is `rest`."""

    __slots__ = ("remaining",)

    def __init__(self, remaining: int) -> None:
        super().__init__()
        self.remaining = remaining
        self.done = remaining == 0

    def feed(self, data: bytes) -> bytes:
        size = len(data)
        if size > self.remaining:
            self.rest = data[self.remaining :]
            data = data[: self.remaining]
            size = self.remaining
        self.remaining -= size
        self.payload += size
        self.done = self.remaining == 0
        return data


class UntilClose(Body):
    """A response body that only the end of the connection ends; `framed` says that it goes on in chunks."""

    __slots__ = ("framed",)

    def __init__(self, *, framed: bool) -> None:
        super().__init__()
        self.framed = framed

    def feed(self, data: bytes) -> bytes:
        self.payload += len(data)
        return chunk(data) if self.framed and data else data


def chunk(data: bytes) -> bytes:
    """One chunk on the wire; never the last one, which is LAST_CHUNK."""
    return b"%x\r\n%b\r\n" % (len(data), data)
