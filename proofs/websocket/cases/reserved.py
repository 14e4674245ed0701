"""3 reserved bits, 4 reserved opcodes."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.websocket.case import Await, Case, octets
from proofs.websocket.frames import BINARY, CLOSE, PING, TEXT, frame

_HELLO = frame(TEXT, b"Hello, world!")


def cases() -> Iterator[Case]:
    for number, opcode, rsv in ((1, TEXT, 1), (5, BINARY, 5), (6, PING, 6)):
        yield Case(
            f"3.{number}", f"opcode {opcode} with reserved bits {rsv}", (frame(opcode, b"Hello!", rsv=rsv),), fails=True
        )
    yield Case("3.7", "a close with reserved bits 7", (frame(CLOSE, rsv=7),), closes=True)
    for number in (2, 3, 4):
        bad = frame(TEXT, b"Hello, world!", rsv=number)
        yield Case(
            f"3.{number}", f"a message, one with reserved bits {number}, a ping", _behind(bad, number - 2), fails=True
        )
    for group, first in (("4.1", 3), ("4.2", 11)):
        yield Case(f"{group}.1", f"opcode {first}", (frame(first),), fails=True)
        yield Case(f"{group}.2", f"opcode {first + 1} with payload", (frame(first + 1, b"reserved"),), fails=True)
        for way in range(3):
            opcode = first + 2 + way
            bad = frame(opcode, b"reserved" if way else b"")
            yield Case(f"{group}.{way + 3}", f"a message, opcode {opcode}, a ping", _behind(bad, way), fails=True)


def _behind(bad: bytes, way: int) -> tuple[bytes | Await, ...]:
    """A good message, its echo, then a bad frame and a ping: at once, frame by frame, octet by octet."""
    if way == 0:
        return (_HELLO, Await(1), bad + frame(PING))
    if way == 1:
        return (_HELLO, Await(1), bad, frame(PING))
    return (*octets(_HELLO), Await(1), *octets(bad, frame(PING)))
