"""Requests that try to be two requests, or somebody else: each dies at the door, none reaches an upstream."""

from __future__ import annotations

import asyncio
import json

import pytest

from guildnet_proxy.http.limits import Limits
from support.waiting import eventually

OK = "Host: {host}\r\nCookie: {cookie}\r\n"

SMUGGLING = {
    "no-host": "GET / HTTP/1.1\r\nCookie: {cookie}\r\n\r\n",
    "two-hosts": "GET / HTTP/1.1\r\n" + OK + "Host: other\r\n\r\n",
    "te-and-cl": "POST / HTTP/1.1\r\n" + OK + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "cl-and-te": "POST / HTTP/1.1\r\n" + OK + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "te-gzip-chunked": "POST / HTTP/1.1\r\n" + OK + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "te-twice": "POST / HTTP/1.1\r\n"
    + OK
    + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "te-identity": "POST / HTTP/1.1\r\n" + OK + "Transfer-Encoding: identity\r\n\r\n",
    "te-xchunked": "POST / HTTP/1.1\r\n" + OK + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "te-with-tab": "POST / HTTP/1.1\r\n" + OK + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "te-space-before-colon": "POST / HTTP/1.1\r\n" + OK + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "te-on-1.0": "POST / HTTP/1.0\r\n" + OK + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "cl-twice-equal": "POST / HTTP/1.1\r\n" + OK + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "cl-twice-different": "POST / HTTP/1.1\r\n" + OK + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "cl-list": "POST / HTTP/1.1\r\n" + OK + "Content-Length: 1, 1\r\n\r\nx",
    "cl-plus": "POST / HTTP/1.1\r\n" + OK + "Content-Length: +1\r\n\r\nx",
    "cl-minus": "POST / HTTP/1.1\r\n" + OK + "Content-Length: -1\r\n\r\nx",
    "cl-hex": "POST / HTTP/1.1\r\n" + OK + "Content-Length: 0x1\r\n\r\nx",
    "cl-empty": "POST / HTTP/1.1\r\n" + OK + "Content-Length:\r\n\r\n",
    "obs-fold": "GET / HTTP/1.1\r\n" + OK + "X: a\r\n b\r\n\r\n",
    "bare-lf": "GET / HTTP/1.1\n" + OK.replace("\r\n", "\n") + "\n",
    "bare-lf-in-header": "GET / HTTP/1.1\r\n" + OK + "X: a\nY: b\r\n\r\n",
    "bare-cr": "GET / HTTP/1.1\r\n" + OK + "X: a\rY: b\r\n\r\n",
    "nul-in-value": "GET / HTTP/1.1\r\n" + OK + "X: a\x00b\r\n\r\n",
    "control-in-value": "GET / HTTP/1.1\r\n" + OK + "X: a\x01b\r\n\r\n",
    "space-in-name": "GET / HTTP/1.1\r\n" + OK + "X Y: a\r\n\r\n",
    "no-colon": "GET / HTTP/1.1\r\n" + OK + "nocolon\r\n\r\n",
    "empty-name": "GET / HTTP/1.1\r\n" + OK + ": a\r\n\r\n",
    "double-space": "GET  / HTTP/1.1\r\n" + OK + "\r\n",
    "tab-in-line": "GET\t/ HTTP/1.1\r\n" + OK + "\r\n",
    "http-2.0": "GET / HTTP/2.0\r\n" + OK + "\r\n",
    "http-1.2": "GET / HTTP/1.2\r\n" + OK + "\r\n",
    "lower-http": "GET / http/1.1\r\n" + OK + "\r\n",
    "http-0.9": "GET /\r\n\r\n",
    "h2-preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "connect": "CONNECT other:443 HTTP/1.1\r\n" + OK + "\r\n",
    "trace": "TRACE / HTTP/1.1\r\n" + OK + "\r\n",
    "asterisk": "OPTIONS * HTTP/1.1\r\n" + OK + "\r\n",
    "absolute-other": "GET http://other/ HTTP/1.1\r\n" + OK + "\r\n",
    "absolute-userinfo": "GET http://a@{host}/ HTTP/1.1\r\n" + OK + "\r\n",
    "fragment": "GET /#x HTTP/1.1\r\n" + OK + "\r\n",
    "non-ascii-target": "GET /\xff HTTP/1.1\r\n" + OK + "\r\n",
    "upgrade-post": "POST / HTTP/1.1\r\n" + OK + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "upgrade-body": "GET / HTTP/1.1\r\n"
    + OK
    + "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\nx",
    "upgrade-two": "GET / HTTP/1.1\r\n" + OK + "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n",
    "large-header": "GET / HTTP/1.1\r\n" + OK + "X: " + "a" * 33000 + "\r\n\r\n",
    "many-headers": "GET / HTTP/1.1\r\n" + OK + "X: a\r\n" * 100 + "\r\n",
}


@pytest.mark.parametrize("vector", SMUGGLING.values(), ids=SMUGGLING.keys())
async def test_a_malformed_head_dies_and_closes_the_connection(room, vector):
    text = vector.format(host=room.own_host("ws1"), cookie=room.own_cookie("ws1"))
    follow = f"GET /smuggled HTTP/1.1\r\nHost: {room.own_host('ws1')}\r\nCookie: {room.own_cookie('ws1')}\r\n\r\n"
    answer = await room.raw((text + follow).encode("latin-1"))
    assert answer[9:12] in {b"400", b"405", b"431"}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in answer
    assert room.server.pool.opened == 0


CHUNKS = {
    "size-0x": b"0x1\r\na\r\n0\r\n\r\n",
    "size-plus": b"+1\r\na\r\n0\r\n\r\n",
    "size-space": b"1 \r\na\r\n0\r\n\r\n",
    "size-overflow": b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
    "bare-lf": b"1\na\n0\n\n",
    "no-crlf-after-data": b"1\r\nab0\r\n\r\n",
    "negative": b"-1\r\na\r\n0\r\n\r\n",
    "not-hex": b"zz\r\na\r\n0\r\n\r\n",
    "endless-extension": b"1;" + b"x" * 70000,
}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
async def test_a_malformed_chunk_ends_the_request(room, chunks):
    head = f"POST / HTTP/1.1\r\nHost: {room.own_host('ws1')}\r\nCookie: {room.own_cookie('ws1')}\r\n"
    answer = await room.raw(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_bytes_after_the_last_chunk_are_a_request_of_their_own_for_the_front_door(room):
    head = f"POST / HTTP/1.1\r\nHost: {room.own_host('ws1')}\r\nCookie: {room.own_cookie('ws1')}\r\n"
    body = b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await room.raw(head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 421 " in answer
    assert b"smuggled" not in answer


async def test_what_connection_names_is_dropped_but_never_ours(room):
    answer = await room.ask(
        "GET", "/", f"Cookie: {room.own_cookie('ws1')}",
        "Connection: X-Secret, X-Forwarded-For, X-Forwarded-Host, Forwarded, Host, Cookie", "X-Secret: 1",
        host=room.own_host("ws1"),
    )  # fmt: skip
    got = {key.lower(): value for key, value in json.loads(answer.body)["headers"]}
    assert "x-secret" not in got
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert got["host"] == room.own_host("ws1")
    assert got["forwarded"].startswith("for=127.0.0.1;")


FORGED = [
    spelled
    for name in (
        "Tailscale-User-Login", "Tailscale-User-Name", "Tailscale-User-Profile-Pic", "Tailscale-App-Capabilities",
        "Tailscale-Headers-Info", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
        "X-Forwarded-Port", "X-Forwarded-User", "Forwarded", "X-Real-Ip", "X-Webauth-User", "Remote-User",
        "Impersonate-User", "Impersonate-Group", "X-Guildnet-Identity", "X-Guildnet-Anything",
    )
    for spelled in {name, name.lower(), name.upper(), name.replace("-", "_"), name.replace("-", "."),
                    name.lower().replace("-", "_", 1)}
]  # fmt: skip


async def test_forged_headers_in_every_spelling_reach_neither_workspace_nor_api(room):
    assert len(FORGED) >= 60
    for name in FORGED:
        lines = (f"{name}: evil", f"Cookie: {room.own_cookie('ws1')}")
        answer = await room.ask("GET", "/", *lines, host=room.own_host("ws1"))
        assert b"evil" not in answer.body, name
        me = await room.ask("GET", "/api/me", f"{name}: evil")
        assert json.loads(me.body)["kind"] == "anonymous", name
        assert "evil" not in str(room.api_seen[-1].headers.values()), name


async def test_an_upgrade_to_anything_but_websocket_is_ignored(room):
    asked = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk")
    lines = (*asked, f"Cookie: {room.own_cookie('ws1')}")
    answer = await room.ask("GET", "/x", *lines, host=room.own_host("ws1"))
    seen = {name.lower() for name, _ in json.loads(answer.body)["headers"]}
    assert answer.status == 200
    assert not seen & {"upgrade", "connection", "http2-settings"}


async def test_a_host_that_is_not_configured_is_refused(room):
    for host in ("evil.example", "127.0.0.1", f"127.0.0.1:{room.port}", "guildnet.localhost", f"x.y.{room.host}",
                 f"guildnet.localhost.:{room.port}", f"guildnet.localhost@x:{room.port}", "guildnet.tailtest.example",
                 f"guildnet.localhost:0{room.port}"):  # fmt: skip
        assert (await room.ask("GET", "/api/me", host=host)).status == 421, host
    assert (await room.ask("GET", "/", f"Cookie: {room.cookie()}", host=f"ws9-00000000.{room.host}")).status == 404


@pytest.mark.parametrize("limits", [Limits(head_seconds=0.3, idle_seconds=0.3, sweep_seconds=0.1)], ids=["0.3s"])
async def test_a_slow_head_is_cut_and_an_idle_connection_closed(room):
    reader, writer = await room.connect()
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    assert b" 408 " in (await asyncio.wait_for(reader.read(-1), 5))[:40]
    idle, other = await room.connect()
    assert await asyncio.wait_for(idle.read(-1), 5) == b""
    writer.close()
    other.close()
    await eventually(lambda: not room.server.clients)


@pytest.mark.parametrize("limits", [Limits(body_grace_seconds=0.3, sweep_seconds=0.1)], ids=["0.3s"])
async def test_a_body_that_drips_is_cut(room):
    head = f"POST / HTTP/1.1\r\nHost: {room.own_host('ws1')}\r\nCookie: {room.own_cookie('ws1')}\r\n"
    reader, writer = await room.connect()
    writer.write(head.encode() + b"Content-Length: 100000\r\n\r\nslow")
    assert b" 408 " in (await asyncio.wait_for(reader.read(-1), 10))[:40]
    writer.close()


@pytest.mark.parametrize("limits", [Limits(first_byte_seconds=0.3, sweep_seconds=0.1)], ids=["0.3s"])
async def test_an_upstream_that_never_answers_is_a_504(room):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    room.add("mute", number=6, upstream_port=server.sockets[0].getsockname()[1])
    answer = await room.ask("GET", "/", f"Cookie: {room.own_cookie('mute')}", host=room.own_host("mute"))
    assert answer.status == 504
    server.close()


BAD_ANSWERS = {
    "garbage": b"hello\r\n\r\n",
    "te-and-cl": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "unasked-101": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "closed": b"",
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_an_upstream_that_breaks_the_rules_is_a_502(room, answer):
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    room.add("rude", number=6, upstream_port=server.sockets[0].getsockname()[1])
    got = await room.ask("GET", "/", f"Cookie: {room.own_cookie('rude')}", host=room.own_host("rude"))
    assert got.status == 502
    server.close()


async def test_an_upstream_that_talks_after_its_answer_is_not_used_again(room):
    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            )

    server = await asyncio.start_server(chatty, "127.0.0.1", 0)
    room.add("chatty", number=6, upstream_port=server.sockets[0].getsockname()[1])
    for _ in range(3):
        got = await room.ask("GET", "/", f"Cookie: {room.own_cookie('chatty')}", host=room.own_host("chatty"))
        assert got.body == b"ok"
    assert room.server.pool.opened == 3
    server.close()
