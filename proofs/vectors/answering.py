"""Answers of an upstream that breaks the rules, and what a client behind our proxy gets of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from proofs.vectors.vector import get

OK: Final = b"HTTP/1.1 200 OK\r\n"
BAD: Final = 502
"""RFC 9110, section 15.6.3: what an answer that is none is told as."""


@dataclass(frozen=True, slots=True)
class Got:
    """The answer reaches the client whole, as this."""

    status: int = 200
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Cut:
    """The answer began and breaks off: no client can take it for a whole one."""


@dataclass(frozen=True, slots=True)
class AnswerVector:
    """`raw` is what the upstream says to `ask`, and `later` a moment behind it; `after` is what its connection does.

    `closes` says that the client's connection ends after it.
    """

    name: str
    clause: str
    raw: bytes
    expect: Got | Cut | int
    after: Literal["stay", "close", "reset"] = "stay"
    ask: bytes = get()
    later: bytes = b""
    closes: bool = False

    @property
    def method(self) -> str:
        return self.ask.split(b" ")[0].decode()


_HEAD: Final = get(line=b"HEAD /v HTTP/1.1")
_OLD: Final = get(line=b"GET /v HTTP/1.0")
_EVIL: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
_BAD: Final = {
    "answer-garbage": b"hello\r\n\r\n",
    "answer-status-line-alone-wrong": b"HTTP/1.1 OK\r\n\r\n",
    "answer-http-2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-http-1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-lower-case-version": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-icy": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-request": b"GET /v HTTP/1.1\r\nHost: a\r\n\r\n",
    "answer-status-two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-status-four-digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-status-negative": b"HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-status-word": b"HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n",
    "answer-status-000": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-status-099": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-two-spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-empty-line-first": b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "answer-reason-control": b"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
    "answer-reason-bare-cr": b"HTTP/1.1 200 OK\rX: a\r\nContent-Length: 0\r\n\r\n",
    "answer-field-nul": OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "answer-field-bare-cr": OK + b"X: a\rY: b\r\nContent-Length: 0\r\n\r\n",
    "answer-field-bare-lf": OK + b"X: a\nY: b\r\nContent-Length: 0\r\n\r\n",
    "answer-field-folded": OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "answer-field-no-colon": OK + b"nocolon\r\nContent-Length: 0\r\n\r\n",
    "answer-field-space-before-colon": OK + b"X : a\r\nContent-Length: 0\r\n\r\n",
    "answer-field-empty-name": OK + b": a\r\nContent-Length: 0\r\n\r\n",
    "answer-field-control": OK + b"X: a\x1b[2J\r\nContent-Length: 0\r\n\r\n",
    "answer-length-twice-different": OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\nok",
    "answer-length-plus": OK + b"Content-Length: +2\r\n\r\nok",
    "answer-length-minus": OK + b"Content-Length: -2\r\n\r\nok",
    "answer-length-hex": OK + b"Content-Length: 0x2\r\n\r\nok",
    "answer-length-empty": OK + b"Content-Length:\r\n\r\n",
    "answer-length-word": OK + b"Content-Length: two\r\n\r\nok",
    "answer-length-over-64-bits": OK + b"Content-Length: 18446744073709551618\r\n\r\nok",
    "answer-length-space-before-colon": OK + b"Content-Length : 2\r\n\r\nok",
    "answer-length-and-coding": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "answer-coding-and-length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "answer-coding-twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "answer-coding-gzip": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "answer-coding-identity": OK + b"Transfer-Encoding: identity\r\n\r\nok",
    "answer-coding-xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "answer-coding-vertical-tab": OK + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "answer-coding-space-before-colon": OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "answer-switches-unasked": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "answer-switches-to-h2c": b"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "answer-interim-with-a-body": b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc" + OK + b"\r\n",
    "answer-interim-then-garbage": b"HTTP/1.1 100 Continue\r\n\r\nhello\r\n\r\n",
    "answer-head-too-large": OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
}
_BAD_CHUNKS: Final = {
    "answer-chunk-size-0x": b"0x2\r\nok\r\n0\r\n\r\n",
    "answer-chunk-size-minus": b"-2\r\nok\r\n0\r\n\r\n",
    "answer-chunk-size-not-hex": b"zz\r\nok\r\n0\r\n\r\n",
    "answer-chunk-size-space": b"2 \r\nok\r\n0\r\n\r\n",
    "answer-chunk-size-over-64-bits": b"10000000000000002\r\nok\r\n0\r\n\r\n",
    "answer-chunk-bare-lf": b"2\nok\n0\n\n",
    "answer-chunk-too-long": b"2\r\nokay\r\n0\r\n\r\n",
    "answer-chunk-too-short": b"4\r\nok\r\n0\r\n\r\n",
    "answer-chunk-extension-too-long": b"2;" + b"a" * 70_000 + b"\r\nok\r\n0\r\n\r\n",
    "answer-chunk-trailer-too-large": b"2\r\nok\r\n0\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
}


def _framed() -> Iterator[AnswerVector]:
    clause = "RFC 9112, 6.3"
    two = OK + b"Content-Length: 2\r\n\r\nok"
    yield AnswerVector("answer-by-length", clause, two, Got(body=b"ok"))
    twice = OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"
    yield AnswerVector("answer-length-twice-equal", "RFC 9110, 8.6", twice, Got(body=b"ok"))
    listed = OK + b"Content-Length: 2, 2\r\n\r\nok"
    yield AnswerVector("answer-length-list", "RFC 9110, 8.6", listed, Got(body=b"ok"))
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: evil\r\n\r\n"
    yield AnswerVector("answer-by-chunks", clause, chunked, Got(body=b"ok"))
    yield AnswerVector("answer-by-close", clause, OK + b"\r\nok", Got(body=b"ok"), after="close")
    old = b"HTTP/1.0 200 OK\r\n"
    yield AnswerVector("answer-1.0-by-close", clause, old + b"\r\nok", Got(body=b"ok"), after="close")
    yield AnswerVector("answer-1.0-by-length", clause, old + b"Content-Length: 2\r\n\r\nok", Got(body=b"ok"))
    faulty = old + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    yield AnswerVector("answer-1.0-by-chunks", "RFC 9112, 6.1", faulty, Got(body=b"ok"))
    yield AnswerVector("answer-to-1.0-by-chunks", "RFC 9112, 6.1", chunked, Got(body=b"ok"), ask=_OLD, closes=True)
    yield AnswerVector("answer-to-1.0-by-length", clause, two, Got(body=b"ok"), ask=_OLD, closes=True)
    yield AnswerVector(
        "answer-no-reason", "RFC 9112, 4", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", Got(body=b"ok")
    )
    yield AnswerVector("answer-status-999", "RFC 9110, 15", b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", Got(999))
    nominated = OK + b"Connection: Content-Length\r\nContent-Length: 2\r\n\r\nok"
    yield AnswerVector("answer-nominates-length", "RFC 9110, 7.6.1", nominated, Got(body=b"ok"))
    for status in (204, 304):
        text = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status
        yield AnswerVector(f"answer-{status}-with-a-length", clause, text, Got(status))
        yield AnswerVector(f"answer-{status}-with-a-body", clause, text + _EVIL[:5], Got(status))
        chunks = b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n" % status
        yield AnswerVector(f"answer-{status}-with-chunks", clause, chunks, Got(status))
    yield AnswerVector("answer-205-with-a-body", "RFC 9110, 15.3.6", two.replace(b"200", b"205"), Got(205, b"ok"))
    yield AnswerVector("answer-head-with-a-body", "RFC 9110, 9.3.2", _EVIL, Got(), ask=_HEAD)
    yield AnswerVector(
        "answer-head-without-one", "RFC 9110, 9.3.2", OK + b"Content-Length: 4\r\n\r\n", Got(), ask=_HEAD
    )
    yield AnswerVector("answer-head-by-chunks", "RFC 9110, 9.3.2", chunked, Got(), ask=_HEAD)


def _behind() -> Iterator[AnswerVector]:
    """Bytes that nobody asked for: none becomes the answer to the next request."""
    clause = "RFC 9112, 9.2"
    two = OK + b"Content-Length: 2\r\n\r\nok"
    last = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    for name, whole in (("length", two), ("chunks", last)):
        for what, more in (("an-answer", _EVIL), ("junk", b"evil"), ("an-empty-line", b"\r\n"), ("a-nul", b"\x00")):
            yield AnswerVector(f"answer-{name}-then-{what}", clause, whole + more, Got(body=b"ok"))
            yield AnswerVector(f"answer-{name}-then-{what}-later", clause, whole, Got(body=b"ok"), later=more)
    yield AnswerVector("answer-none-then-an-answer", clause, OK + b"Content-Length: 0\r\n\r\n" + _EVIL, Got())
    yield AnswerVector("answer-204-then-an-answer", clause, b"HTTP/1.1 204 X\r\n\r\n" + _EVIL, Got(204))
    yield AnswerVector(
        "answer-head-then-an-answer", clause, OK + b"Content-Length: 4\r\n\r\n" + _EVIL, Got(), ask=_HEAD
    )
    yield AnswerVector("answer-then-close", "RFC 9112, 9.6", two, Got(body=b"ok"), after="close")
    yield AnswerVector("answer-then-reset", "RFC 9112, 9.5", two, Got(body=b"ok"), after="reset")
    says = OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok"
    yield AnswerVector("answer-says-close-and-stays", "RFC 9112, 9.6", says, Got(body=b"ok"))
    yield AnswerVector("answer-says-close-then-an-answer", "RFC 9112, 9.6", says + _EVIL, Got(body=b"ok"))


def _interim() -> Iterator[AnswerVector]:
    clause = "RFC 9110, 15.2"
    two = OK + b"Content-Length: 2\r\n\r\nok"
    go = b"HTTP/1.1 100 Continue\r\n\r\n"
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    for name, before in (("100", go), ("three-100", go * 3), ("103", hints), ("102", go.replace(b"100", b"102")),
                         ("199", go.replace(b"100", b"199"))):  # fmt: skip
        yield AnswerVector(f"answer-interim-{name}", clause, before + two, Got(body=b"ok"))
    yield AnswerVector("answer-interim-to-1.0", clause, go + two, Got(body=b"ok"), ask=_OLD, closes=True)
    yield AnswerVector("answer-interim-to-head", clause, go + two[:-2], Got(), ask=_HEAD)
    yield AnswerVector("answer-interim-alone", clause, go, BAD, after="close")
    framed = b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"
    yield AnswerVector("answer-interim-with-a-length", "RFC 9110, 8.6", framed + two, Got(body=b"ok"))


def _broken() -> Iterator[AnswerVector]:
    clause = "RFC 9112, 8"
    yield AnswerVector("answer-none", clause, b"", BAD, after="close")
    yield AnswerVector("answer-none-reset", clause, b"", BAD, after="reset")
    yield AnswerVector("answer-half-a-head", clause, OK + b"X: a", BAD, after="close")
    # Refused at once, although the upstream stays.
    yield AnswerVector("answer-head-bare-lfs", "RFC 9112, 2.2", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", BAD)
    yield AnswerVector("answer-head-last-bare-lf", "RFC 9112, 2.2", OK + b"Content-Length: 0\n\n", BAD)
    yield AnswerVector("answer-of-another-protocol", "RFC 9112, 4", b"SSH-2.0-OpenSSH_9.6\r\n", BAD)
    short = OK + b"Content-Length: 9\r\n\r\nok"
    chunks = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    for how in ("close", "reset"):
        yield AnswerVector(f"answer-short-{how}", clause, short, Cut(), how, closes=True)
        yield AnswerVector(f"answer-chunk-cut-{how}", clause, chunks + b"4\r\nok", Cut(), how, closes=True)
        yield AnswerVector(f"answer-no-last-chunk-{how}", clause, chunks + b"2\r\nok\r\n", Cut(), how, closes=True)
        yield AnswerVector(f"answer-no-chunk-{how}", clause, chunks, Cut(), how, closes=True)
    yield AnswerVector("answer-by-close-reset", clause, OK + b"\r\nok", Cut(), "reset", closes=True)


def vectors() -> tuple[AnswerVector, ...]:
    """All of them."""
    bad = [AnswerVector(name, "RFC 9112, 4 to 6", raw, BAD) for name, raw in _BAD.items()]
    for name, raw in _BAD_CHUNKS.items():
        bad.append(
            AnswerVector(name, "RFC 9112, 7.1", OK + b"Transfer-Encoding: chunked\r\n\r\n" + raw, Cut(), closes=True)
        )
    return (*bad, *_framed(), *_behind(), *_interim(), *_broken())
