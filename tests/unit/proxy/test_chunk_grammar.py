"""Chunks against the grammar of RFC 9112, section 7.1: whatever passes means here what it means there."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guildnet_proxy.http.errors import BrokenFraming
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.chunks import Chunks, Decoder

SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[\t ]*;[^\r\n]*)?")
PLAIN = re.compile(rb"(?:[1-9A-Fa-f][0-9A-Fa-f]*\r\n.*?\r\n)*0\r\n\r\n", re.DOTALL)
TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*")


def by_the_rfc(wire: bytes) -> tuple[bytes, bytes] | None:
    """Payload and what is behind the body; None where this is no whole chunked body."""
    payload = b""
    while True:
        line, end, wire = wire.partition(b"\r\n")
        matched = SIZE_LINE.fullmatch(line)
        if not end or matched is None:
            return None
        size = int(matched[1], 16)
        if size == 0:
            break
        payload += wire[:size]
        if wire[size : size + 2] != b"\r\n":
            return None
        wire = wire[size + 2 :]
    while True:
        line, end, wire = wire.partition(b"\r\n")
        if end and not line:
            return payload, wire
        if not end or TRAILER.fullmatch(line) is None:
            return None


def decoded(wire: bytes, cuts: list[int]) -> tuple[bytes, bytes] | None:
    """The same by our decoder, fed in pieces; None where it refuses or wants more."""
    decoder, payload = Decoder(Limits()), b""
    edges = sorted({0, len(wire), *(cut % len(wire) for cut in cuts)})
    try:
        for start, end in pairwise(edges):
            payload += decoder.feed(wire[start:end])
            if decoder.done:
                return payload, decoder.rest + wire[end:]
    except BrokenFraming:
        pass
    return None


def passed_on(wire: bytes, cuts: list[int]) -> tuple[bytes, bytes] | None:
    """The same of what goes on, which is read by the grammar again; it has to be plain."""
    body, out = Chunks(Limits(), framed=True), b""
    edges = sorted({0, len(wire), *(cut % len(wire) for cut in cuts)})
    try:
        for start, end in pairwise(edges):
            data = wire[start:end]
            while data and not body.done:
                out += body.feed(data)
                data = body.later
            if body.done:
                assert PLAIN.fullmatch(out)
                there = by_the_rfc(out)
                assert there is not None
                assert (len(there[0]), there[1]) == (body.payload, b"")
                return there[0], body.rest + wire[end:]
    except BrokenFraming:
        pass
    return None


PIECES = st.sampled_from(
    [b"3\r\nabc\r\n", b"1\r\n", b"a", b"0\r\n", b"0\r\n\r\n", b"\r\n", b"\r", b"\n", b"00", b"A", b"f" * 16, b";",
     b";a=b", b';a="\r\n"', b" ", b"\t", b"\x00", b"+", b"-", b"0x", b"X: y\r\n", b"X : y\r\n", b" X: y\r\n", b":",
     b"X", b"2\r\n\r\n\r\n", b"5\r\n0\r\n\r\n\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
     b"GET / HTTP/1.1\r\n\r\n", b"\xff"],
)  # fmt: skip
WIRES = st.lists(PIECES | st.binary(max_size=3), min_size=1, max_size=12).map(b"".join).filter(bool)
CUTS = st.lists(st.integers(min_value=0, max_value=200), max_size=4)


@settings(max_examples=1500)
@given(WIRES | WIRES.map(lambda wire: wire + b"0\r\n\r\n"), CUTS)
def test_what_passes_is_what_the_grammar_says(wire: bytes, cuts: list[int]) -> None:
    found = decoded(wire, cuts)
    assert found is None or found == by_the_rfc(wire)
    assert passed_on(wire, cuts) in (None, by_the_rfc(wire))


@settings(max_examples=400)
@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.lists(st.integers(min_value=0, max_value=400), min_size=1, max_size=3),
    st.binary(min_size=1, max_size=1),
)
def test_one_wrong_byte_is_refused_or_means_the_same_to_both(pieces: list[bytes], at: list[int], byte: bytes) -> None:
    wire = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX: y\r\n\r\nGET"
    for place in at:
        place %= len(wire)
        wrong = wire[:place] + byte + wire[place + 1 :]
        found = decoded(wrong, at)
        assert found is None or found == by_the_rfc(wrong)
        assert passed_on(wrong, at) in (None, by_the_rfc(wrong))


@pytest.mark.parametrize(
    ("wire", "whole"),
    [
        pytest.param(b"3\r\nabc\r\n0\r\n\r\nGET", (b"abc", b"GET"), id="one chunk"),
        pytest.param(b"0003;a=b\r\nabc\r\n0;c\r\nX: y\r\n\r\n", (b"abc", b""), id="zeros, extensions, a trailer"),
        pytest.param(b"3\nabc\n0\n\n", None, id="bare LF"),
        pytest.param(b"3 \r\nabc\r\n0\r\n\r\n", None, id="a space behind the size"),
    ],
)
def test_both_readers_see(wire: bytes, whole: tuple[bytes, bytes] | None) -> None:
    assert (by_the_rfc(wire), decoded(wire, []), passed_on(wire, [])) == (whole, whole, whole)
