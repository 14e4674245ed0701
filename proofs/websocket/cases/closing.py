"""7 closing: the handshake, its payload, its codes."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.websocket.case import Await, Case, Step, code
from proofs.websocket.frames import CLOSE, PING, TEXT, fragments, frame

VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
UNDEFINED = (5000, 65535)


def cases() -> Iterator[Case]:
    for name, what, steps in _listed():
        yield Case(name, what, steps, closes=True)
    for group, codes in (("7.7", VALID), ("7.9", INVALID), ("7.13", UNDEFINED)):
        for number, value in enumerate(codes, start=1):
            yield Case(f"{group}.{number}", f"code {value}", (frame(CLOSE, code(value)),), closes=True)


def _listed() -> Iterator[tuple[str, str, tuple[Step, ...]]]:
    close = frame(CLOSE, code(1000))
    two = fragments(TEXT, [b"fragment1", b"fragment2"])
    yield "7.1.1", "a message, then a close", (frame(TEXT, b"Hello World!"), Await(1), close)
    yield "7.1.2", "two closes", (close + frame(CLOSE, code(1001)),)
    yield "7.1.3", "a ping behind a close", (close + frame(PING),)
    yield "7.1.4", "a message behind a close", (close + frame(TEXT, b"Hello World!"),)
    yield "7.1.5", "a close between fragments", (two[0] + close + two[1],)
    large = frame(TEXT, b"BAsd7&jh23" * 26_000)
    yield "7.1.6", "260,000 bytes, a close, a ping", (large, Await(1), close + frame(PING))
    yield "7.3.1", "no payload", (frame(CLOSE),)
    yield "7.3.2", "a payload of one byte", (frame(CLOSE, b"a"),)
    yield "7.3.3", "a code", (close,)
    yield "7.3.4", "a code and a reason", (frame(CLOSE, code(1000, b"Hello World!")),)
    yield "7.3.5", "a reason of 123 bytes", (frame(CLOSE, code(1000, b"*" * 123)),)
    yield "7.3.6", "a reason of 124 bytes", (frame(CLOSE, code(1000, b"*" * 124)),)
    yield "7.5.1", "a reason that is no UTF-8", (frame(CLOSE, code(1000, bytes.fromhex("cebae1bdb9eda080"))),)
