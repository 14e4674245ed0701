"""Answers read off the wire strictly: whatever two clients could read in two ways is an error here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_START = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [\t\x20-\x7e\x80-\xff]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*")
_SIZE = re.compile(rb"[0-9a-f]{1,15}")


class WireError(Exception):
    """Bytes that are no answer, or no whole one."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    fields: dict[bytes, list[bytes]] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: bytes) -> bytes:
        """The only value of a field, empty without it."""
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise WireError(f"{name!r} is there {len(values)} times")
        return values[0] if values else b""


def answers(wire: bytes, methods: Sequence[str]) -> list[Answer]:
    """The final answers to requests of these methods, in order; any behind them answer a GET. Raises WireError."""
    found: list[Answer] = []
    while wire:
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        answer, wire = _one(wire, method)
        if answer.status >= 200:
            found.append(answer)
    return found


def _one(wire: bytes, method: str) -> tuple[Answer, bytes]:
    head, end, rest = wire.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    matched = _START.fullmatch(start)
    if not end or matched is None:
        raise WireError(f"no answer: {wire[:60]!r}")
    fields: dict[bytes, list[bytes]] = {}
    for line in lines:
        named = _FIELD.fullmatch(line)
        if named is None:
            raise WireError(f"no field: {line[:60]!r}")
        fields.setdefault(named[1].lower(), []).append(named[2])
    answer = Answer(int(matched[1]), fields)
    length, coding = answer.one(b"content-length"), answer.one(b"transfer-encoding")
    if coding and (length or coding != b"chunked"):
        raise WireError("Transfer-Encoding beside Content-Length, or not chunked")
    if method == "HEAD" or answer.status in {204, 304} or answer.status < 200:
        return answer, rest
    if coding:
        body, rest = _chunks(rest)
    elif length:
        body, rest = rest[: int(length)], rest[int(length) :]
        if len(body) < int(length):
            raise WireError(f"{len(body)} of {int(length)} bytes of an answer")
    else:
        body, rest = rest, b""
    return Answer(answer.status, fields, body), rest


def _chunks(rest: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end or not _SIZE.fullmatch(line):
            raise WireError(f"no size of a chunk: {line[:20]!r}")
        size = int(line, 16)
        data, rest = rest[:size], rest[size:]
        if rest[:2] != b"\r\n":
            raise WireError("a chunk without its end")
        body, rest = body + data, rest[2:]
        if not size:
            return body, rest
