"""Where one direction of a WebSocket is: between two frames or within one (RFC 6455 5.2).

Only frames of a server are followed, which are never masked. What cannot be one says that the place is not known.
"""

from __future__ import annotations

from typing import Final

GOING_AWAY: Final = b"\x88\x02\x03\xe9"
"""A close frame of a server, code 1001."""

_OPCODES: Final = frozenset({0x0, 0x1, 0x2, 0x8, 0x9, 0xA})
_MASKED: Final = 0x80


class Frames:
    """`between` is true where a frame of ours may be put in; where it is `lost` it never will be."""

    __slots__ = ("_header", "_left", "lost")

    def __init__(self, *, between: bool) -> None:
        self._header = b""
        self._left = 0
        self.lost = not between

    @property
    def between(self) -> bool:
        return not (self.lost or self._left or self._header)

    def feed(self, data: bytes) -> None:
        """The next bytes, cut anywhere."""
        at = 0
        while at < len(data) and not self.lost:
            at = self._step(data, at)

    def finish(self, data: bytes) -> int:
        """The next bytes as far as the frame goes in which it is; how many they are, all where the place is lost."""
        at = 0
        while at < len(data) and not (self.between or self.lost):
            at = self._step(data, at)
        return len(data) if self.lost else at

    def _step(self, data: bytes, at: int) -> int:
        if self._left:
            step = min(self._left, len(data) - at)
            self._left -= step
            return at + step
        missing = _header_bytes(self._header) - len(self._header)
        self._header += data[at : at + missing]
        if len(self._header) >= 2:
            self._begin()
        return min(at + missing, len(data))

    def _begin(self) -> None:
        header = self._header
        # RSV1 is permessage-deflate's; nobody uses RSV2 and RSV3.
        self.lost = header[0] & 0x0F not in _OPCODES or bool(header[0] & 0x30) or bool(header[1] & _MASKED)
        if len(header) == _header_bytes(header):
            short = header[1] & 0x7F
            self._left = short if short < 126 else int.from_bytes(header[2:])
            self._header = b""


def _header_bytes(start: bytes) -> int:
    """How long a header is that begins so, as far as that can be told."""
    if len(start) < 2:
        return 2
    return {126: 4, 127: 10}.get(start[1] & 0x7F, 2)
