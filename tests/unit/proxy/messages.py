"""HTTP/1.1 messages on the wire: made for tests, and read back by rules of their own, not the engine's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True)
class Message:
    """`payload` is its body's, without framing; `whole` says that its end has come."""

    head: bytes
    payload: bytes = b""
    whole: bool = True


@dataclass(frozen=True)
class Ask:
    """A request: its bytes, and what it means. `fault` is the status that refuses it, 0 for a good one."""

    wire: bytes
    payload: bytes = b""
    method: bytes = b"GET"
    fault: int = 0
    last: bool = False


@dataclass(frozen=True)
class Reply:
    """An upstream's answer: its bytes; `closes` ends the connection behind them. `broken` ones are not whole."""

    wire: bytes
    payload: bytes = b""
    closes: bool = False
    broken: bool = False


PAYLOADS = st.sampled_from(
    [b"", b"x", b"hello", b"\r\n\r\n", b"0\r\n\r\n", b"5\r\nab\r\n0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
     b"z" * 100]
) | st.binary(max_size=60)  # fmt: skip


def chunked(pieces: Sequence[bytes], extension: bytes = b"", trailers: bytes = b"") -> bytes:
    wire = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
    return wire + b"0%b\r\n%b\r\n" % (extension, trailers)


EXTENSIONS = st.sampled_from([b"", b";a", b";a=b", b';a="x y"'])
TRAILERS = st.sampled_from([b"", b"X: y\r\n", b"Expires: never\r\nX-Sum: 1\r\n"])


@st.composite
def asks(draw: st.DrawFn, number: int) -> Ask:
    """A good request for `/number`; the target says who answers: us (`own`), or later (`later`)."""
    where = draw(st.sampled_from(["", "", "later", "own", "own-later"]))
    line_end = draw(st.sampled_from([b"", b"", b"", b"\r\n"]))
    close = draw(st.sampled_from([b"", b"", b"", b"", b"Connection: close\r\n"]))
    kind = draw(st.sampled_from(["GET", "GET", "HEAD", "POST", "PUT", "chunked", "1.0"]))
    first, host = f"/{number}?{where}".encode(), b"Host: a\r\n" + close
    payload = draw(PAYLOADS) if kind in {"POST", "PUT", "chunked"} else b""
    ends = bool(close) or kind == "1.0"
    if kind == "1.0":
        return Ask(b"%bGET %b HTTP/1.0\r\nHost: a\r\n\r\n" % (line_end, first), last=True)
    if kind == "chunked":
        pieces = draw(st.lists(PAYLOADS, max_size=4))
        body = chunked(pieces, draw(EXTENSIONS), draw(TRAILERS))
        head = b"%bPOST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (line_end, first, host)
        return Ask(head + body, b"".join(pieces), b"POST", last=ends)
    method = kind.encode()
    length = b"Content-Length: %d\r\n" % len(payload) if payload else b""
    return Ask(b"%b%b %b HTTP/1.1\r\n%b%b\r\n%b" % (line_end, method, first, host, length, payload), payload, method,
               last=ends)  # fmt: skip


FAULTS = [
    Ask(b"nonsense\r\n\r\n", fault=400),
    Ask(b"GET /9 HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", fault=400),
    Ask(b"GET /9 HTTP/1.1\nHost: a\n\n\r\n\r\n", fault=400),
    Ask(b"GET /9 HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 600 + b"\r\nY: a\nb\r\n\r\n", fault=431),
    Ask(b"GET /9 HTTP/1.1\r\nHost: a\r\nX: a\nY: " + b"b" * 600 + b"\r\n\r\n", fault=400),
    Ask(b"\r\n\r\nGET /9 HTTP/1.1\r\nHost: a\r\n\r\n", fault=400),
    Ask(b"GET /9 HTTP/1.1\r\n\r\n", fault=400),
    Ask(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", fault=405),
    Ask(b"POST /9 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", fault=400),
    Ask(b"POST /9 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n\r\n", b"ab", b"POST", 400),
    Ask(b"POST /9 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", b"ab", b"POST", 400),
]


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """An answer to anything that asked for a body."""
    interim = draw(
        st.sampled_from([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"])
    )
    close = draw(st.sampled_from([b"", b"", b"Connection: close\r\n"]))
    kind = draw(
        st.sampled_from(["length", "length", "chunked", "close", "204", "304", "short", "chunks", "none", "large"])
    )
    payload = draw(PAYLOADS)
    start = interim + b"HTTP/1.1 200 OK\r\n" + close
    if kind == "chunked":
        pieces = draw(st.lists(PAYLOADS, max_size=4))
        body = chunked(pieces, draw(EXTENSIONS), draw(TRAILERS))
        return Reply(start + b"Transfer-Encoding: chunked\r\n\r\n" + body, b"".join(pieces))
    return {
        "length": Reply(start + b"Content-Length: %d\r\n\r\n%b" % (len(payload), payload), payload),
        "close": Reply(start + b"\r\n" + payload, payload, closes=True),
        "204": Reply(interim + b"HTTP/1.1 204 No Content\r\n" + close + b"\r\n"),
        "304": Reply(interim + b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n" + close + b"\r\n"),
        "short": Reply(start + b"Content-Length: 1000\r\n\r\n" + payload, closes=True, broken=True),
        "chunks": Reply(start + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n", broken=True),
        "none": Reply(interim + b"nonsense\r\n\r\n", closes=True, broken=True),
        "large": Reply(start + b"X: " + b"a" * 1200 + b"\r\nContent-Length: 0\r\n\r\n", broken=True),
    }[kind]


# ---- reading --------------------------------------------------------------------------------------------------------


def read(wire: bytes, methods: Sequence[bytes] = (), *, cut: bool = False) -> list[Message]:
    """The messages in `wire`. `methods` are those asked with, when it is answers; interim answers ask for none.

    `cut` says that the connection did not end in order: an answer that its end would end is not whole.
    """
    messages: list[Message] = []
    asked = iter(methods)
    while wire:
        head, end, rest = wire.partition(b"\r\n\r\n")
        if not end:
            return [*messages, Message(head, whole=False)]
        method = b"" if head[9:10] == b"1" and head.startswith(b"HTTP/") else next(asked, b"")
        message, wire = _body(head, rest, method, cut=cut)
        messages.append(message)
    return messages


def _body(head: bytes, rest: bytes, method: bytes, *, cut: bool) -> tuple[Message, bytes]:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    answer = head.startswith(b"HTTP/")
    if answer and (method == b"HEAD" or head[9:10] == b"1" or head[9:12] in {b"204", b"304"}):
        return Message(head), rest
    if b"transfer-encoding" in fields:
        return _chunks(head, rest)
    if b"content-length" in fields:
        size = int(fields[b"content-length"])
        return Message(head, rest[:size], len(rest) >= size), rest[size:]
    return (Message(head, rest, not cut), b"") if answer else (Message(head), rest)


def _chunks(head: bytes, rest: bytes) -> tuple[Message, bytes]:
    payload = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return Message(head, payload, whole=False), b""
        size = int(line, 16)
        if len(rest) < size + 2:
            return Message(head, payload + rest[:size], whole=False), b""
        assert rest[size : size + 2] == b"\r\n"
        if size == 0:
            return Message(head, payload), rest[2:]
        payload, rest = payload + rest[:size], rest[size + 2 :]
