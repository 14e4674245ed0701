"""Frames of RFC 6455, section 5.2: written as a client says, right or wrong, and read as a server sent them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK: Final = bytes((0x37, 0xFA, 0x21, 0x3D))


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A client's frame. Its mask is always the same, so that the same case is the same bytes."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + MASK + masked(payload)


def masked(payload: bytes) -> bytes:
    """The payload under the mask."""
    size = len(payload)
    key = (MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def fragments(opcode: int, pieces: list[bytes], *, rsv: int = 0) -> list[bytes]:
    """A message in these pieces; `rsv` is the first one's."""
    last = len(pieces) - 1
    return [
        frame(CONTINUATION if number else opcode, piece, fin=number == last, rsv=0 if number else rsv)
        for number, piece in enumerate(pieces)
    ]


def cut(data: bytes, size: int) -> list[bytes]:
    """Pieces of this many bytes; one empty piece of nothing."""
    return [data[at : at + size] for at in range(0, len(data), size)] or [b""]


@dataclass(frozen=True, slots=True)
class Frame:
    """One that a server sent."""

    fin: bool
    rsv: int
    opcode: int
    payload: bytes

    @property
    def code(self) -> int | None:
        """A close frame's status."""
        return int.from_bytes(self.payload[:2], "big") if self.opcode == CLOSE and len(self.payload) > 1 else None


class Reader:
    """Takes bytes as they come and gives the frames that are whole; `rest` is the beginning of another."""

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self.rest += data
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> Frame | None:
        rest = self.rest
        if len(rest) < 2:
            return None
        size, at = rest[1] & 0x7F, 2
        if size > 125:
            at = 4 if size == 126 else 10
            size = int.from_bytes(rest[2:at], "big")
        if len(rest) < at + size:
            return None
        found = Frame(bool(rest[0] & 0x80), rest[0] >> 4 & 7, rest[0] & 15, bytes(rest[at : at + size]))
        del rest[: at + size]
        return found
