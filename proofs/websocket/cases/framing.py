"""1 framing, 2 pings and pongs, 10 fragmentation by the sender."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.websocket.case import Await, Case, octets
from proofs.websocket.frames import BINARY, PING, PONG, TEXT, cut, fragments, frame

_SIZES = (0, 125, 126, 127, 128, 65535, 65536)


def cases() -> Iterator[Case]:
    for group, opcode, letter in (("1.1", TEXT, b"*"), ("1.2", BINARY, b"\xfe")):
        for number, size in enumerate(_SIZES, start=1):
            yield Case(f"{group}.{number}", f"{size} bytes", (frame(opcode, letter * size), Await(1)))
        chopped = cut(frame(opcode, letter * 65536), 997)
        yield Case(f"{group}.8", "65536 bytes in writes of 997", (*chopped, Await(1)))
    yield from _pings()
    pieces = fragments(TEXT, cut(b"*" * 65536, 1300))
    yield Case("10.1.1", "65536 bytes in fragments of 1300", (*pieces, Await(1)))


def _pings() -> Iterator[Case]:
    full = frame(PING, b"\xfe" * 125)
    yield Case("2.1", "a ping without payload", (frame(PING), Await(1)))
    yield Case("2.2", "a ping with text", (frame(PING, b"Hello, world!"), Await(1)))
    yield Case("2.3", "a ping with what is no text", (frame(PING, bytes.fromhex("00fffefdfcfb00ff")), Await(1)))
    yield Case("2.4", "a ping of 125 bytes", (full, Await(1)))
    yield Case("2.5", "a ping of 126 bytes", (frame(PING, b"\xfe" * 126),), fails=True)
    yield Case("2.6", "a ping of 125 bytes, octet by octet", (*octets(full), Await(1)))
    yield Case("2.7", "a pong that nobody asked for", (frame(PONG),))
    yield Case("2.8", "a pong with payload that nobody asked for", (frame(PONG, b"unsolicited pong payload"),))
    yield Case("2.9", "a pong, then a ping", (frame(PONG, b"unsolicited"), frame(PING, b"ping payload"), Await(1)))
    ten = [frame(PING, b"payload-%d" % number) for number in range(10)]
    yield Case("2.10", "ten pings", (*ten, Await(10)))
    yield Case("2.11", "ten pings, octet by octet", (*octets(*ten), Await(10)))
