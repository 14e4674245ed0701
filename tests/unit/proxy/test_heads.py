"""Heads that pass are values that cannot be read two ways; the vectors that die are in the integration ring too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.http.errors import BrokenFraming, Refusal
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.body import Length, chunk
from guildnet_proxy.http.message.chunks import Decoder
from guildnet_proxy.http.message.fields import claims_identity
from guildnet_proxy.http.message.head import Heads, RequestHead, check_incomplete, parse_request
from guildnet_proxy.http.message.response import ResponseHead


def request(*lines: str, first: str = "GET /x HTTP/1.1") -> bytes:
    return "\r\n".join((first, "Host: a", *lines, "", "")).encode("latin-1")


def parse(block: bytes) -> RequestHead:
    return parse_request(block, Limits())


def test_a_plain_request_keeps_names_values_and_order():
    head = parse(request("X-B: 1", "x-a:  two words \t", "X-B: 3"))
    assert head.fields == [
        (b"host", b"Host: a"), (b"x-b", b"X-B: 1"), (b"x-a", b"x-a: two words"), (b"x-b", b"X-B: 3"),
    ]  # fmt: skip
    assert head.get(b"x-b") == b"1, 3"
    assert (head.method, head.target, head.keep_alive, head.has_body) == (b"GET", b"/x", True, False)


def test_absolute_form_for_our_own_authority_becomes_origin_form():
    assert parse(request(first="GET http://A/x?y HTTP/1.1")).target == b"/x?y"
    assert parse(request(first="GET https://a?y HTTP/1.1")).target == b"/?y"
    with pytest.raises(Refusal):
        parse(request(first="GET http://b/x HTTP/1.1"))


@pytest.mark.parametrize("target", ["http", "https", "x", "ftp://a/x"])
def test_a_target_that_is_neither_a_path_nor_a_url_has_to_start_with_a_slash(target):
    with pytest.raises(Refusal, match="start with a slash"):
        parse(request(first=f"GET {target} HTTP/1.1"))


def test_a_head_may_be_as_large_as_its_limit_while_it_comes():
    limits = Limits(head_bytes=100)
    check_incomplete(b"x" * 100, limits)
    with pytest.raises(Refusal, match="header block"):
        check_incomplete(b"x" * 101, limits)


@pytest.mark.parametrize(
    "name",
    ["Tailscale-User-Login", "tailscale_user_login", "TAILSCALE.USER.LOGIN", "X_Forwarded-For", "x-real.ip",
     "forwarded", "Remote_User", "IMPERSONATE-EXTRA-x", "X-Guildnet-Identity", "x_webauth_user"],
)  # fmt: skip
def test_a_claim_of_identity_is_out_of_the_fields_in_every_spelling(name):
    head = parse(request(f"{name}: evil"))
    assert claims_identity(name.lower().encode())
    assert [lower for lower, _ in head.fields] == [b"host"]
    assert b"evil" not in head.values.values()
    assert head.claims == {name.lower().encode(): b"evil"}


@pytest.mark.parametrize("name", ["X-Forward", "Forwarded-By", "X-Tailscale", "Cookie", "X-Request-Id", "Remote"])
def test_other_names_are_left_alone(name):
    assert not claims_identity(name.lower().encode())


def test_an_upgrade_is_a_bodyless_get_to_websocket():
    head = parse(request("Upgrade: WebSocket", "Connection: keep-alive, Upgrade"))
    assert head.upgrade
    with pytest.raises(Refusal):
        parse(request("Upgrade: websocket"))


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_do_anything_but_parse_or_refuse(data):
    try:
        head = parse(b"GET / HTTP/1.1\r\nHost: a\r\n" + data + b"\r\n\r\n")
    except Refusal as error:
        head, status = None, error.status
    if head is None:
        assert status in {400, 405, 431}
        return
    for lower, line in head.fields:
        name, _, value = line.partition(b": ")
        assert name.lower() == lower
        assert not set(value) & {0, 10, 13}
        assert not set(name) & set(b' \t\r\n:"')


@pytest.mark.parametrize(
    ("block", "status", "length", "chunked", "keep_alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, 3, False, True),
        (b"HTTP/1.1 200\r\n\r\n", 200, None, False, True),
        (b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n", 302, None, False, False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n", 200, None, True, False),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            101,
            None,
            False,
            True,
        ),
    ],
)
def test_an_answers_head_is_parsed(block, status, length, chunked, keep_alive):
    head = ResponseHead(block)
    assert (head.status, head.length, head.chunked, head.keep_alive) == (status, length, chunked, keep_alive)


@pytest.mark.parametrize("status", ["000", "001", "099"])
def test_a_status_that_is_none_is_refused_and_not_taken_for_an_interim_one(status):
    with pytest.raises(Refusal) as refused:
        ResponseHead(f"HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n".encode())
    assert refused.value.status == 502


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.data())
def test_chunks_cut_anywhere_give_the_same_body(pieces, data):
    wire = b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n"
    decoder, body, at = Decoder(Limits()), b"", 0
    while at < len(wire):
        step = data.draw(st.integers(min_value=1, max_value=len(wire) - at))
        body += decoder.feed(wire[at : at + step])
        at += step
    assert (body, decoder.done, decoder.rest) == (b"".join(pieces), True, b"")


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=8),
    st.sampled_from([b"", b"X: y\r\n", b"A: b\r\nC: d\r\n"]),
    st.binary(min_size=1, max_size=40) | st.just(b"GET / HTTP/1.1\r\n\r\n"),
    st.data(),
)
def test_what_follows_the_last_chunk_is_given_back_however_the_bytes_are_cut(pieces, trailers, after, data):
    wire = b"".join(chunk(piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n" + after
    decoder, body, at = Decoder(Limits()), b"", 0
    while not decoder.done:
        step = data.draw(st.integers(min_value=1, max_value=len(wire) - at))
        body += decoder.feed(wire[at : at + step])
        at += step
    assert (body, decoder.rest + wire[at:]) == (b"".join(pieces), after)


def test_trailers_are_dropped_and_floods_of_them_end_the_body():
    decoder = Decoder(Limits())
    assert decoder.feed(b"1\r\na\r\n0\r\nX: y\r\n\r\n") == b"a"
    assert decoder.done
    flood = Decoder(Limits())
    drip = b"1;" + b"x" * 1000 + b"\r\na\r\n"
    for _ in range(20):
        flood.feed(drip)
    with pytest.raises(BrokenFraming):
        flood.feed(drip * 20)


@given(st.binary(max_size=50), st.integers(min_value=0, max_value=60))
def test_a_length_takes_its_bytes_and_gives_the_rest_back(data, length):
    decoder = Length(length)
    body = decoder.feed(data) if length else b""
    assert body == data[:length]
    assert decoder.done == (len(data) >= length or length == 0)
    if length:
        assert decoder.rest == data[length:]


def test_blocks_that_were_known_are_counted_apart():
    heads = Heads(Limits())
    block = request("X: 1")
    for told in ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3)):
        heads.parse(block).block.slot = "the door knows it"
        assert (heads.hits, heads.misses) == told
    heads.parse(request("X: 2"))
    assert (heads.hits, heads.misses) == (2, 4)
