"""A tunnel's frames: what a client sends is the same stream however it is cut, and what breaks RFC 6455 ends it."""

from __future__ import annotations

import random

import pytest

from guildnet_proxy.http.tunnel.frames import BINARY, CLOSE, PING, BadFrame, ClientFrames, masked, server_frame

KEY = b"\x37\xfa\x21\x3d"


def frame(opcode: int, payload: bytes, *, final: bool = True, key: bytes = KEY) -> bytes:
    """A client's frame."""
    size = len(payload)
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = bytes((first, 0x80 | 126)) + size.to_bytes(2)
    else:
        head = bytes((first, 0x80 | 127)) + size.to_bytes(8)
    return head + key + masked(payload, key)


def test_the_example_of_the_rfc():
    """RFC 6455 5.7: a single-frame masked text message `Hello`, here as a binary one."""
    assert ClientFrames().feed(b"\x82\x85" + KEY + b"\x7f\x9f\x4d\x51\x58") == [(BINARY, b"Hello")]


SAID = (
    frame(BINARY, b"a" * 5)
    + frame(PING, b"are you there")
    + frame(BINARY, b"b" * 300, final=False)
    + frame(PING, b"")
    + frame(0, b"c" * 70_000, final=False)
    + frame(0, b"")
    + frame(0xA, b"an answer nobody asked for")
    + frame(BINARY, b"")
    + frame(CLOSE, b"\x03\xe8bye")
)


@pytest.mark.parametrize("seed", range(20))
def test_however_it_is_cut_it_is_the_same_stream(seed: int):
    chance = random.Random(seed)
    frames, found, at = ClientFrames(), [], 0
    while at < len(SAID):
        size = chance.choice([1, 2, 3, 7, 100, 5000])
        found += frames.feed(SAID[at : at + size])
        at += size
    assert b"".join(payload for opcode, payload in found if opcode == BINARY) == b"a" * 5 + b"b" * 300 + b"c" * 70_000
    assert [one for one in found if one[0] == PING] == [(PING, b"are you there"), (PING, b"")]
    assert found[-2:] == [(BINARY, b""), (CLOSE, b"\x03\xe8bye")]
    assert sum(one == (BINARY, b"") for one in found) == 1, "only the empty message says that no more comes"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"\x82\x05Hello", 1002),
        (frame(1, b"text"), 1003),
        (frame(3, b"reserved opcode"), 1002),
        (frame(0, b"continues nothing"), 1002),
        (frame(BINARY, b"x", final=False) + frame(BINARY, b"y"), 1002),
        (frame(PING, b"x", final=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (bytes((0xC2, 0x81)) + KEY + b"x", 1002),
        (b"\x82\xff" + b"\xff" * 8 + KEY, 1002),
    ],
)
def test_what_breaks_the_rules_ends_it(said: bytes, code: int):
    with pytest.raises(BadFrame) as ended:
        ClientFrames().feed(said)
    assert ended.value.code == code


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_servers_frame_has_the_shortest_length(size: int):
    made = server_frame(BINARY, b"x" * size)
    assert made[0] == 0x82
    assert len(made) - size == (2 if size < 126 else 4 if size < 65536 else 10)
    assert made.endswith(b"x" * size)
