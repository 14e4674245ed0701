"""Frames of a tunnel: those of its client taken apart, those of a server made (RFC 6455 5.2). Pure.

A tunnel is a stream of bytes each way. Where one message ends and the next begins means nothing, but for one thing: an
empty binary message says that its sender sends no more, as FIN does in TCP.
"""

from __future__ import annotations

from typing import Final

BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
_PONG: Final = 0xA
_CONTINUATION: Final = 0x0
_TEXT: Final = 0x1
_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_CONTROL_BYTES: Final = 125

PROTOCOL_ERROR: Final = 1002
UNSUPPORTED: Final = 1003


class BadFrame(Exception):  # noqa: N818  an end of the tunnel, not a malfunction
    """The client broke the rules; `code` is the one to close with (RFC 6455 7.4.1)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"close {code}")
        self.code = code


class ClientFrames:
    """What the frames of a client carry, cut anywhere and of any length; only control frames are ever held."""

    __slots__ = ("_header", "_held", "_key", "_left", "_opcode", "_within")

    def __init__(self) -> None:
        self._header = b""
        self._opcode = BINARY
        self._left = -1
        self._key = b""
        self._held = b""
        self._within = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The next bytes as (opcode, payload): BINARY with a part of the stream, or empty where the client sends no
        more; PING and CLOSE whole. Raises BadFrame."""
        found: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        while at < end:
            if self._left < 0:
                missing = _header_bytes(self._header) - len(self._header)
                self._header += data[at : at + missing]
                at += missing
                if len(self._header) >= 2 and len(self._header) == _header_bytes(self._header):
                    self._begin(found)
            else:
                piece = data[at : at + self._left]
                at += len(piece)
                self._take(piece, found)
        return found

    def _begin(self, found: list[tuple[int, bytes]]) -> None:
        header, self._header = self._header, b""
        first, second = header[0], header[1]
        self._opcode = opcode = first & 0x0F
        length = second & 0x7F
        if length > _CONTROL_BYTES:
            length = int.from_bytes(header[2:-4])
        if not second & _MASKED or first & _RESERVED or length >> 63:
            raise BadFrame(PROTOCOL_ERROR)
        if opcode == _TEXT:
            raise BadFrame(UNSUPPORTED)
        final = bool(first & _FINAL)
        if opcode in (CLOSE, PING, _PONG):
            if length > _CONTROL_BYTES or not final:
                raise BadFrame(PROTOCOL_ERROR)
        elif opcode not in (BINARY, _CONTINUATION) or (opcode == _CONTINUATION) != self._within:
            raise BadFrame(PROTOCOL_ERROR)
        else:
            self._within = not final
        self._key, self._held, self._left = header[-4:], b"", length
        if not length:
            if opcode == BINARY and final:
                found.append((BINARY, b""))
            self._end(found)

    def _take(self, piece: bytes, found: list[tuple[int, bytes]]) -> None:
        plain = masked(piece, self._key)
        turn = len(piece) % 4
        self._key = self._key[turn:] + self._key[:turn]
        self._left -= len(piece)
        if self._opcode in (BINARY, _CONTINUATION):
            found.append((BINARY, plain))
        else:
            self._held += plain
        if not self._left:
            self._end(found)

    def _end(self, found: list[tuple[int, bytes]]) -> None:
        self._left = -1
        if self._opcode in (CLOSE, PING):
            found.append((self._opcode, self._held))


def _header_bytes(start: bytes) -> int:
    """How long a header is that begins so, as far as that can be told; with the key of a frame that is masked."""
    if len(start) < 2:
        return 2
    return {126: 4, 127: 10}.get(start[1] & 0x7F, 2) + (4 if start[1] & _MASKED else 0)


def masked(data: bytes, key: bytes) -> bytes:
    """`data` under a key of four bytes, which is the same operation both ways (RFC 6455 5.3)."""
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(keys, "little")).to_bytes(size, "little")


def server_frame(opcode: int, payload: bytes) -> bytes:
    """One whole message of a server, which is never masked."""
    size = len(payload)
    if size <= _CONTROL_BYTES:
        return bytes((_FINAL | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((_FINAL | opcode, 126)) + size.to_bytes(2) + payload
    return bytes((_FINAL | opcode, 127)) + size.to_bytes(8) + payload


def close_frame(code: int) -> bytes:
    """A close frame of a server."""
    return server_frame(CLOSE, code.to_bytes(2))
