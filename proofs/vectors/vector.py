"""A vector: bytes of a client, the clause that speaks of them, and what our proxy makes of them.

In the bytes `%HOST%` stands for the authority of the workspace's origin, `%COOKIE%` for its session and `%NAME%` for
the vector's name. What a server must never be told has the word `evil` in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

GOOD = b"Host: %HOST%\r\nCookie: %COOKIE%\r\n"
EVIL = "evil"
SERVERS = ("nginx", "apache", "haproxy", "node", "uvicorn", "aiohttp")
"""Who is behind the proxy, see behind.py."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it has to reach the server: exactly this, with the Host of the origin; `has` are fields it keeps."""

    method: str = "GET"
    target: str = "/v"
    body: bytes = b""
    has: tuple[tuple[str, str], ...] = ()


Outcome = Seen | int
"""What becomes of one message: it reaches the server and is answered from there, or has an answer of ours."""


@dataclass(frozen=True, slots=True)
class Vector:
    """`expect` is the outcome of each message in `raw`, in order; `closes` that the connection ends after the last.

    `begun` allows that the server sees the beginning of a request that broke off: its head was good. `refused_by` are
    servers that may refuse what the proxy forwarded with an answer of 4xx: it is good HTTP that they do not serve.
    """

    name: str
    clause: str
    raw: bytes
    expect: tuple[Outcome, ...]
    closes: bool
    begun: bool = False
    refused_by: frozenset[str] = frozenset()

    def filled(self, host: str, cookie: str) -> bytes:
        raw = self.raw.replace(b"%HOST%", host.encode()).replace(b"%COOKIE%", cookie.encode())
        return raw.replace(b"%NAME%", self.name.encode())


def refused(name: str, clause: str, raw: bytes, status: int = 400, *, begun: bool = False) -> Vector:
    """Dies at the door: one answer of ours, and the connection closes; nothing behind it is read."""
    return Vector(name, clause, raw, (status,), closes=True, begun=begun)


def forwarded(
    name: str, clause: str, raw: bytes, *expect: Outcome, closes: bool | None = None, refused_by: Iterable[str] = ()
) -> Vector:
    """Goes on as these requests. Where the last outcome is an answer of ours, the connection closes."""
    outcomes = expect or (Seen(),)
    ends = isinstance(outcomes[-1], int) if closes is None else closes
    return Vector(name, clause, raw, outcomes, closes=ends, refused_by=frozenset(refused_by))


def get(fields: bytes = b"", line: bytes = b"GET /v HTTP/1.1", body: bytes = b"") -> bytes:
    """A good request but for what is given: `fields` are whole lines behind the good ones."""
    return line + b"\r\n" + GOOD + fields + b"\r\n" + body


def post(fields: bytes = b"", body: bytes = b"", line: bytes = b"POST /v HTTP/1.1") -> bytes:
    return get(fields, line, body)


def chunks(body: bytes, fields: bytes = b"") -> bytes:
    """A chunked request whose chunks are these bytes."""
    return post(b"Transfer-Encoding: chunked\r\n" + fields, body)


def each(vectors: Iterable[Vector]) -> Iterator[Vector]:
    """All of them. Raises ValueError where two have one name: a disagreement has to name its vector."""
    names: set[str] = set()
    for vector in vectors:
        if vector.name in names:
            raise ValueError(vector.name)
        names.add(vector.name)
        yield vector
