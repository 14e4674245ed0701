"""Field blocks that were seen before are the same value, where the handler wants that; the request line never is."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.fields import REMEMBERED_LINES_BYTES, _learn, _lines
from guildnet_proxy.http.message.head import Heads, _weight, parse_request
from guildnet_proxy.http.message.response import CODING, REMEMBERED_NAMES_BYTES, Names, ResponseHead
from guildnet_proxy.http.message.response import REMEMBERED_LINES_BYTES as RESPONSE_LINES_BYTES

FIELDS = b"Host: a\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"


def ask(first: bytes = b"GET / HTTP/1.1", fields: bytes = FIELDS) -> bytes:
    return first + b"\r\n" + fields


def remembering(fields: bytes, limits: Limits | None = None) -> Heads:
    """Has read these fields twice, and its handler left something; another request came since."""
    heads = Heads(limits or Limits())
    leave(heads, fields)
    heads.parse(ask(fields=b"Host: another\r\n\r\n"))
    return heads


def leave(heads: Heads, fields: bytes) -> None:
    """A handler that leaves something where the fields have come before."""
    for _ in range(2):
        block = heads.parse(ask(fields=fields)).block
        if block.again:
            block.slot = "something"


def grown(fill: Callable[[], None]) -> int:
    """Bytes of memory that are held afterwards and were not before."""
    gc.collect()
    tracemalloc.start()
    try:
        fill()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_block_that_the_handler_wants_to_know_again_is_known_again() -> None:
    heads = remembering(FIELDS)
    first, second = heads.parse(ask(b"GET /a HTTP/1.1")), heads.parse(ask(b"HEAD /b?c HTTP/1.0"))
    assert first.block is second.block
    assert first.block.slot == "something"
    assert (first.method, first.target, first.keep_alive) == (b"GET", b"/a", True)
    assert (second.method, second.target, second.keep_alive) == (b"HEAD", b"/b?c", False)


def test_three_requests_in_a_row_are_enough() -> None:
    heads = Heads(Limits())
    assert not heads.parse(ask()).block.again
    block = heads.parse(ask()).block
    assert block.again
    block.slot = "something"
    assert heads.parse(ask()).block is block
    assert heads.parse(ask()).block is block


def test_a_block_that_came_once_is_not_remembered_whatever_is_left_in_it() -> None:
    heads = Heads(Limits())
    for number in range(3):
        heads.parse(ask(fields=b"Host: a\r\nX: %d\r\n\r\n" % number)).block.slot = "something"
    assert len(heads._known) == 0


def test_of_blocks_that_came_once_few_are_known() -> None:
    heads = Heads(Limits())
    for number in range(20_000):
        heads.parse(ask(fields=b"Host: a\r\nX: %d\r\n\r\n" % number))
    assert len(heads._sighted) <= 8192


@pytest.mark.parametrize(
    "data", [ask(), b"\r\n" + ask(), ask() + ask(), ask()[:-1], ask(b"GET / HTTP/1.1 x"), ask(b"BREW / HTTP/1.1")]
)
def test_only_a_whole_head_of_known_fields_is_known_without_a_search(data: bytes) -> None:
    heads = remembering(FIELDS)
    found = heads.known(data)
    assert (found is not None) == (data == ask())
    if found is not None:
        assert (found.method, found.target, found.block.slot) == (b"GET", b"/", "something")


def test_a_stranger_is_not_known_again_and_drives_nobody_out() -> None:
    heads = remembering(FIELDS, Limits(known_heads_bytes=8000))
    for number in range(100):
        fields = b"Host: a\r\nX: %d\r\n\r\n" % number
        assert heads.parse(ask(fields=fields)).block is not heads.parse(ask(fields=fields)).block
    assert heads.parse(ask()).block.slot == "something"


def test_what_is_known_is_bounded_in_bytes() -> None:
    heads = Heads(Limits(known_heads_bytes=50_000))
    for number in range(200):
        leave(heads, b"Host: a\r\nX: %d\r\n\r\n" % number)
    assert len(heads._known) < 50
    assert heads.parse(ask(fields=b"Host: a\r\nX: 198\r\n\r\n")).block.slot == "something"
    assert heads.parse(ask(fields=b"Host: a\r\nX: 1\r\n\r\n")).block.slot is None


@pytest.mark.parametrize("fields", [1, 20, 90])
def test_blocks_take_no_more_memory_than_the_limit_says(fields: int) -> None:
    limits = Limits(known_heads_bytes=2**20)
    heads = Heads(limits)

    def fill() -> None:
        for number in range(1500):
            lines = (b"X-%d-%d: a" % (number, field) for field in range(fields))
            leave(heads, b"\r\n".join([b"Host: a", *lines, b"", b""]))
        # What is remembered of lines has a bound of its own.
        _lines.clear()

    assert grown(fill) < limits.known_heads_bytes


def test_a_remembered_block_weighs_three_times_its_bytes() -> None:
    assert _weight(b"x" * 3000) - _weight(b"x" * 1000) == 3 * 2000


def test_a_line_is_taken_apart_once() -> None:
    _lines.clear()
    assert _lines.young == {b"X-Line: a": _learn(b"X-Line: a")}


def test_bytes_beyond_ascii_are_text_in_both_directions() -> None:
    line = b"X-Name: J\xf6rg"
    assert _learn(line)[1] == b"J\xf6rg"
    assert Names(lambda _: CODING).line(line)[2] == b"J\xf6rg"


def test_made_up_lines_take_no_more_memory_than_their_bound() -> None:
    _lines.clear()
    heads = Heads(Limits())

    def fill() -> None:
        for number in range(2000):
            lines = (b"X-%d-%d: a" % (number, field) for field in range(80))
            heads.parse(ask(fields=b"\r\n".join([b"Host: a", *lines, b"", b""])))

    assert grown(fill) < REMEMBERED_LINES_BYTES * 1.2
    assert REMEMBERED_LINES_BYTES == 1024 * 1024


@pytest.mark.parametrize("length", [8, 200])
def test_made_up_fields_of_answers_take_no_more_memory_than_their_bounds(length: int) -> None:
    names = Names(lambda _: 0)

    def fill() -> None:
        for number in range(60_000):
            names.line(b"X-%d" % number + b"a" * length + b": a")

    assert grown(fill) < (RESPONSE_LINES_BYTES + REMEMBERED_NAMES_BYTES) * 1.2


@pytest.mark.parametrize(
    ("first", "fields"),
    [
        (b"POST / HTTP/1.1", b"Host: a\r\nContent-Length: 1\r\n\r\n"),
        (b"POST / HTTP/1.1", b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"GET / HTTP/1.1", b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ],
)
def test_a_body_or_an_upgrade_is_never_known_again(first: bytes, fields: bytes) -> None:
    heads = Heads(Limits())
    for _ in range(3):
        head = heads.parse(ask(first, fields))
        assert head.block.slot is None
        head.block.slot = "something"


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (b"GET /#x HTTP/1.1", 400), (b"GET x HTTP/1.1", 400), (b"GET http://b/ HTTP/1.1", 400),
        (b"TRACE / HTTP/1.1", 405), (b"GET / HTTP/1.2", 400), (b"GET  / HTTP/1.1", 400), (b"get / HTTP/1.1", 400),
        (b"GET /\x80 HTTP/1.1", 400), (b"GET /\x00 HTTP/1.1", 400),
    ],
)  # fmt: skip
def test_the_line_of_a_known_block_is_checked_all_the_same(first: bytes, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        remembering(FIELDS).parse(ask(first))
    assert refused.value.status == status


def test_names_that_clients_invent_are_remembered_up_to_a_bound() -> None:
    asked: list[bytes] = []

    def judge(lower: bytes) -> int:
        asked.append(lower)
        return 0

    names = Names(judge)
    for number in range(20_000):
        names.learn(b"X-%d" % number)
        names.learn(b"TE")
    assert len(names.memo) <= 4096
    assert asked.count(b"te") == 1


# ---- llhttp finds nothing more --------------------------------------------------------------------------------------

LINES = st.sampled_from([b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"PROPFIND"]).flatmap(
    lambda method: st.text(alphabet=[chr(at) for at in range(0x21, 0x7F)], max_size=30).map(
        lambda path: b"%b /%b HTTP/1.1" % (method, path.encode())
    )
)
PIECES = [
    b"Content-Length: 3", b"Content-Length: 03", b"Content-Length: 3, 3", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked ", b"Connection: close", b"Connection: keep-alive, x", b"X: y", b"x:", b"X:\t y \t",
    b"Upgrade: websocket", b"Upgrade: h2c", b"Connection: Upgrade", b"X: \xff\x80", b"!#$%&'*+.^_`|~: ~", b"TE: 5",
    b"Content-Length: 999999999999999999", b"Host: b",
]  # fmt: skip
RESPONSE_FIELDS = st.lists(st.sampled_from(PIECES), max_size=5).map(lambda lines: b"".join(x + b"\r\n" for x in lines))
STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 404 No \xe9", b"HTTP/1.1 204", b"HTTP/1.1 304 ", b"HTTP/1.1 999 x"]
)


def llhttp_accepts(parser: httptools.HttpRequestParser | httptools.HttpResponseParser, data: bytes) -> bool:
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return True
    except httptools.HttpParserError:
        return False
    return True


@given(LINES)
def test_a_request_line_that_passes_here_passes_llhttp(line: bytes) -> None:
    data = ask(line)
    try:
        parse_request(data, Limits())
    except Refusal:
        return
    assert llhttp_accepts(httptools.HttpRequestParser(object()), data)


@given(STATUS, RESPONSE_FIELDS)
def test_a_response_head_that_passes_here_passes_llhttp(status: bytes, fields: bytes) -> None:
    data = status + b"\r\n" + fields + b"\r\n"
    try:
        head = ResponseHead(data)
    except Refusal:
        return
    folded = data.replace(b"Content-Length: 3, 3\r\n", b"Content-Length: 3\r\n")
    while folded.count(b"Content-Length:") > 1:  # RFC 9110 8.6 lets a recipient fold them, llhttp does not
        at = folded.rindex(b"Content-Length:")
        folded = folded[:at] + folded[folded.index(b"\r\n", at) + 2 :]
    assert llhttp_accepts(httptools.HttpResponseParser(object()), folded), head.length
