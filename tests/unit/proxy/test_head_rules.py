"""Every rule about the bytes of a head, each with the answer it gives; the accepted ones with what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message import response
from guildnet_proxy.http.message.fields import HOP_BY_HOP
from guildnet_proxy.http.message.head import RequestHead, _is_request_line, begun, parse_request
from guildnet_proxy.http.message.response import DROP, KEEP, MARK, ResponseHead, response_names
from support.golden import expected

GOLDEN = Path(__file__).parent / "golden"
LIMITS = Limits()
KIB = 1024


def request(*lines: str, first: str = "GET /x HTTP/1.1", host: str = "Host: a") -> bytes:
    return "\r\n".join((first, *((host,) if host else ()), *lines, "", "")).encode("latin-1")


def sized(size: int) -> bytes:
    """A request of exactly this many bytes."""
    return request(f"X: {'x' * (size - len(request('X: ')))}")


def fields(number: int) -> bytes:
    return request(*(f"X-{at}: y" for at in range(number - 1)))


BODY = "Content-Length: 5"
MARKING = response_names({b"look": MARK}, {})
SOCKET = ("Upgrade: websocket", "Connection: Upgrade")
REQUESTS: dict[str, bytes] = {
    "plain": request(),
    "of HTTP/1.0": request(first="GET /x HTTP/1.0"),
    "the last of its connection": request("Connection: Close"),
    "the last of its connection, in a list": request("Connection: keep-alive ,\tclose"),
    "with a body": request(BODY, first="POST /x HTTP/1.1"),
    "with an empty body": request("Content-Length: 0", first="POST /x HTTP/1.1"),
    "with chunks": request("Transfer-Encoding: CHUNKED", first="PUT /x HTTP/1.1"),
    "every hop-by-hop field": request(
        "Connection: X-Mine, te", "Keep-Alive: 1", "Proxy-Connection: 2", "Proxy-Authenticate: 3",
        "Proxy-Authorization: 4", "TE: 5", "Trailer: 6", "HTTP2-Settings: 7", "X-Mine: 8",
    ),
    "a websocket": request(*SOCKET),
    "two cookies and two others": request("Cookie: a=1", "X: 1", "cookie: b=2", "X: 2", "X: 3"),
    "blanks around a value": request("X: \t y z \t "),
    "bytes above ASCII": request("X: ü"),
    "an empty value": request("X:"),
    "claims": request("X-Real-IP: 1", "Forwarded: for=2", "X-Forwarded-For: 3", "tailscale_user_login: 4"),
    "a query": request(first="GET /x/y?z=/ HTTP/1.1"),
    "absolute form": request(first="GET http://a/x?y HTTP/1.1"),
    "absolute form of TLS": request(first="GET HTTPS://A/ HTTP/1.1"),
    "absolute form without a path": request(first="GET http://a HTTP/1.1"),
    "absolute form of a query": request(first="GET http://a?y=/z HTTP/1.1"),
    "absolute form elsewhere": request(first="GET http://b/x HTTP/1.1"),
    "absolute form of another port": request(first="GET http://a:80/x HTTP/1.1"),
    "absolute form of another scheme": request(first="GET ftp://a/x HTTP/1.1"),
    "a fragment": request(first="GET /x#y HTTP/1.1"),
    "no slash": request(first="GET x HTTP/1.1"),
    "an asterisk": request(first="OPTIONS * HTTP/1.1"),
    "CONNECT": request(first="CONNECT a:443 HTTP/1.1"),
    "TRACE": request(first="TRACE /x HTTP/1.1"),
    "PRI": request(first="PRI /x HTTP/1.1"),
    "an unknown method": request(first="BREW /x HTTP/1.1"),
    "a method in lower case": request(first="get /x HTTP/1.1"),
    "HTTP/1.2": request(first="GET /x HTTP/1.2"),
    "HTTP/2.0": request(first="GET /x HTTP/2.0"),
    "two blanks": request(first="GET  /x HTTP/1.1"),
    "no host": request(host=""),
    "two hosts": request("Host: a"),
    "a second, other host": request("Host: b"),
    "a lone LF": request().replace(b"\r\n\r\n", b"\n\n"),
    "a folded line": request("X: 1", " 2"),
    "a blank before the colon": request("X : 1"),
    "no colon": request("X"),
    "a control byte": request("X: \x01"),
    "a length twice": request(BODY, BODY, first="POST /x HTTP/1.1"),
    "a length in a list": request("Content-Length: 5, 5", first="POST /x HTTP/1.1"),
    "a length with a sign": request("Content-Length: +5", first="POST /x HTTP/1.1"),
    "a length without digits": request("Content-Length:", first="POST /x HTTP/1.1"),
    "a length of nineteen digits": request("Content-Length: 1000000000000000000", first="POST /x HTTP/1.1"),
    "a length of eighteen digits": request("Content-Length: 100000000000000000", first="POST /x HTTP/1.1"),
    "a length beside chunks": request(BODY, "Transfer-Encoding: chunked", first="POST /x HTTP/1.1"),
    "a coding beside chunks": request("Transfer-Encoding: gzip, chunked", first="POST /x HTTP/1.1"),
    "another coding": request("Transfer-Encoding: gzip", first="POST /x HTTP/1.1"),
    "chunks twice": request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", first="POST /x HTTP/1.1"),
    "chunks of HTTP/1.0": request("Transfer-Encoding: chunked", first="POST /x HTTP/1.0"),
    "an upgrade nobody named": request("Upgrade: websocket"),
    "an upgrade to something else": request("Upgrade: h2c", "Connection: Upgrade"),
    "an upgrade to something else nobody named": request("Upgrade: h2c"),
    "an upgrade to something else, with a body": request("Upgrade: h2c", BODY, first="POST /x HTTP/1.1"),
    "an upgrade to two": request("Upgrade: websocket, h2c", "Connection: Upgrade"),
    "an upgrade twice": request("Upgrade: websocket", *SOCKET),
    "an upgrade by POST": request(*SOCKET, first="POST /x HTTP/1.1"),
    "an upgrade with a body": request(*SOCKET, BODY),
    "an upgrade with chunks": request(*SOCKET, "Transfer-Encoding: chunked"),
    "an upgrade of HTTP/1.0": request(*SOCKET, first="GET /x HTTP/1.0"),
    "ninety-five fields": fields(95),
    "a byte more than 32 KiB": sized(32 * KIB + 1),
    "no end": request()[:-2],
    "something behind the end": request() + b"x",
    "nothing": b"",
}  # fmt: skip

RESPONSES: dict[str, bytes] = {
    "plain": b"HTTP/1.1 200 OK\r\n\r\n",
    "without a reason": b"HTTP/1.1 204\r\n\r\n",
    "with an empty reason": b"HTTP/1.1 204 \r\n\r\n",
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n",
    "with a length": b"HTTP/1.1 404 Not Found\r\nContent-Length: 30\r\nX: y\r\n\r\n",
    "with chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
    "the last one": b"HTTP/1.1 200 OK\r\nConnection: X-Mine, close\r\nX-Mine: 1\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "claims": b"HTTP/1.1 200 OK\r\nX-Guildnet-Identity: me\r\n\r\n",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "two codings": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "a length in a list": b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a lone LF": b"HTTP/1.1 200 OK\n\n",
    "two lengths that differ": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    "lengths in a list that differ": b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3,33\r\n\r\n",
    "fields to look at": b"HTTP/1.1 200 OK\r\nA: 1\r\nLook: 2\r\nX-Mine: 3\r\nlook: 4\r\nConnection: x-mine\r\n\r\n",
    "blanks around a value": b"HTTP/1.1 200 OK\r\nX: \t y z \r\nY:\r\n\r\n",
    "no head": b"220 ready\r\n\r\n",
}  # fmt: skip


def refused(error: Refusal) -> str:
    return f"{error.status} {error.code} by {error.rule}{', closed' if error.close else ''}: {error.message}"


def framing_of(head: RequestHead | ResponseHead) -> dict[str, Any]:
    return {"length": head.length, "chunked": head.chunked, "keepAlive": head.keep_alive}


def told_of_request(block: bytes) -> Any:
    try:
        head = parse_request(block, LIMITS)
    except Refusal as error:
        return refused(error)
    return {
        "line": " ".join(
            part.decode() for part in (head.method, head.target, b"for", head.authority, b"at", head.path)
        ),
        "fields": [f"{line.decode('latin-1')} ({'hop' if lower in HOP_BY_HOP else 'kept'})"
                   for lower, line in head.fields],
        "values": {name.decode(): value.decode("latin-1") for name, value in head.values.items()},
        "dropped": sorted(name.decode() for name in head.dropped),
        **framing_of(head),
        "minor": head.minor,
        "claims": {name.decode(): value.decode() for name, value in head.claims.items()},
        "upgrade": head.upgrade,
        "hasBody": head.has_body,
    }  # fmt: skip


def told_of_response(block: bytes) -> Any:
    try:
        head = ResponseHead(block, MARKING)
    except Refusal as error:
        return refused(error)
    marks = dict(head.marks)
    return {
        "line": f"{head.status} by {head.line.decode()}",
        "fields": [f"{line.decode('latin-1')} ({'marked' if at in marks else 'kept'})"
                   for at, line in enumerate(head.lines)],
        **framing_of(head),
    }  # fmt: skip


@pytest.mark.parametrize("case", REQUESTS)
def test_what_is_made_of_a_request(case: str, update_golden: bool) -> None:
    told = told_of_request(REQUESTS[case])
    assert told == expected(GOLDEN / "requests.yaml", REQUESTS, case, told, update=update_golden)


@pytest.mark.parametrize("case", RESPONSES)
def test_what_is_made_of_a_response(case: str, update_golden: bool) -> None:
    told = told_of_response(RESPONSES[case])
    assert told == expected(GOLDEN / "responses.yaml", RESPONSES, case, told, update=update_golden)


def test_what_is_just_within_the_limits_passes() -> None:
    assert len(parse_request(fields(94), LIMITS).fields) == 94
    assert parse_request(sized(32 * KIB), LIMITS).get(b"x").strip(b"x") == b""


@pytest.mark.parametrize("first", ["GET  HTTP/1.1", "GET HTTP/1.1", " / HTTP/1.1", "GET / ", "foo GET HTTP/1.1"])
def test_a_request_line_has_three_parts_each_where_it_belongs(first: str) -> None:
    assert not _is_request_line(first.encode().split(b" "))
    with pytest.raises(Refusal) as error:
        parse_request(request(first=first), LIMITS)
    assert (error.value.status, error.value.rule) == (400, "grammar")


@pytest.mark.parametrize("first", ["GET http:///x HTTP/1.1", "GET http://?x HTTP/1.1"])
def test_a_target_without_an_authority_names_no_host(first: str) -> None:
    for host in ("Host: a", "Host:"):
        with pytest.raises(Refusal) as error:
            parse_request(request(first=first, host=host), LIMITS)
        assert (error.value.status, error.value.rule) == (400, "target")


def test_of_a_head_that_is_too_large_its_first_lines_are_read_and_no_cookie() -> None:
    whole = request("X: y", "COOKIE: a=b", "Z: 1")
    found = begun(whole + b"more", LIMITS)
    assert found is not None
    assert (found.target, found.get(b"x"), found.get(b"z"), found.get(b"cookie")) == (b"/x", b"y", b"1", b"")
    assert begun(whole, LIMITS) is not None, "an empty line is none of them"
    cut = begun(request("X: y", "Z: 1")[:-6], LIMITS)
    assert cut is not None
    assert (cut.get(b"x"), cut.get(b"z")) == (b"y", b""), "a line that is cut is not read"
    assert begun(b"GET /x", LIMITS) is None
    assert begun(b"\r\n\r\n", LIMITS) is None


@pytest.mark.parametrize("line", [b"X", b"X: a\x01b", b"X: a\rb", b"X y: a", b": a"])
def test_what_is_no_field_of_an_answer_is_refused(line: bytes) -> None:
    with pytest.raises(Refusal) as error:
        response_names({}, {}).line(line)
    assert (error.value.status, error.value.rule) == (502, "grammar")


def test_fields_that_seldom_say_the_same_twice_are_not_remembered() -> None:
    names = response_names({}, {})
    for name in (b"ETag", b"Expires", b"Last-Modified", b"Location", b"Set-Cookie"):
        line = name + b": a"
        assert names.line(line) == names.line(line) == (name.lower(), KEEP, b"")
    assert names.lines.young == {}
    assert names.lines.young == {b"Server: a": names.line(b"Server: a")}
    kept = names.lines.young[b"Server: a"]
    assert names.line(b"Server: a") == kept
    assert names.lines.young[b"Server: a"] is kept


def test_a_field_of_one_connection_is_dropped_and_so_is_a_claim() -> None:
    names = response_names({}, {})
    assert [names.learn(name)[1] for name in (b"Keep-Alive", b"X-Guildnet-Identity", b"Server")] == [DROP, DROP, KEEP]


@pytest.mark.parametrize(("digits", "good"), [("9" * 18, True), ("9" * 19, False), ("1" * 18 + ", " + "1" * 18, True)])
def test_a_length_has_up_to_eighteen_digits(digits: str, *, good: bool) -> None:
    block = f"HTTP/1.1 200 OK\r\nContent-Length: {digits}\r\n\r\n".encode()
    if good:
        assert ResponseHead(block).length == int(digits.split(",")[0])
        return
    with pytest.raises(Refusal) as error:
        ResponseHead(block)
    assert (error.value.status, error.value.rule) == (502, "bad_upstream")


def test_what_is_remembered_of_answers_is_bounded() -> None:
    kib = (response.REMEMBERED_STATUS_LINES_BYTES, response.REMEMBERED_NAMES_BYTES, response.REMEMBERED_LINES_BYTES)
    assert kib == (256 * KIB, 1024 * KIB, 1024 * KIB)


def test_a_field_that_is_not_there_is_empty() -> None:
    assert parse_request(request(), LIMITS).get(b"x") == b""


def test_a_connection_of_http_1_0_is_not_used_again_whatever_it_says() -> None:
    assert not ResponseHead(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n").keep_alive


def test_a_status_line_is_read_once() -> None:
    line = b"HTTP/1.1 299 As Seen Here"
    first, second = (ResponseHead(line + b"\r\n\r\n") for _ in range(2))
    assert (first.status, first.line) == (299, line)
    assert first.line is second.line
