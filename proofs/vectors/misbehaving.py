"""An upstream that says the bytes of a vector, and what a client behind the proxy gets of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from proofs.proxied.running import Proxy
from proofs.vectors.answering import AnswerVector, Cut, Got
from proofs.vectors.replay import ASK_BEHIND, Tally, said
from proofs.vectors.unread import taken
from proofs.vectors.wire import Answer, WireError, answers
from support.waiting import eventually

NAME: Final = "misbehaving"
_LEFT_SECONDS: Final = 2.0
"""A proxy ends an idle connection on which something is said; one that does not is asked the next request on it."""


@dataclass
class Upstream:
    """`saying` is the vector that the next `/v` is answered with; anything else is answered with its own target.

    `left` is set once the connection on which it was said has ended.
    """

    port: int = 0
    saying: AnswerVector | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, vector: AnswerVector) -> None:
        self.saying, self.left = vector, asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left: asyncio.Event | None = None
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = head.split(b" ")[1]
                if target == b"/v" and self.saying is not None:
                    left = self.left
                    await self._misbehave(self.saying, writer)
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            if left is not None:
                left.set()

    async def _misbehave(self, vector: AnswerVector, writer: asyncio.StreamWriter) -> None:
        writer.write(vector.raw)
        if vector.later:
            await eventually(lambda: taken(writer))
            writer.write(vector.later)
        if vector.after == "close":
            writer.close()
        elif vector.after == "reset":
            await eventually(lambda: taken(writer))  # a reset throws away what has not been read
            own = writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    """One on loopback while the block runs."""
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = int(server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        server.close()


async def replay(proxy: Proxy, upstream: Upstream, vectors: Sequence[AnswerVector]) -> Tally:
    """One after the other, each with a request behind it whose answer has to be its own."""
    tally = Tally(NAME)
    for vector in vectors:
        upstream.say(vector)
        tally.add(vector.name, vector.clause, await _one(proxy, upstream, vector, tally))
    return tally


async def _one(proxy: Proxy, upstream: Upstream, vector: AnswerVector, tally: Tally) -> list[str]:
    host, cookie = proxy.host(NAME), proxy.cookie(NAME)
    target = f"/behind/{vector.name}"
    asked = vector.ask.replace(b"%HOST%", host.encode()).replace(b"%COOKIE%", cookie.encode())
    behind = ASK_BEHIND.format(target=target, host=host, cookie=cookie).encode()
    pieces = [asked] if vector.closes else [asked, behind] if vector.later else [asked + behind]

    async def idle() -> None:
        """Returns when what is said too late has come: otherwise it would be the answer to the request behind it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEFT_SECONDS):
                await upstream.left.wait()

    try:
        wire = await said(proxy.port, *pieces, between=idle)
        follow = await said(proxy.port, behind) if vector.closes else b""
    except WireError as error:
        return [str(error)]
    first, got = _read(wire, vector)
    got += _read(follow, vector, behind=True)[1]
    tally.own_faults += first is not None and 500 <= first.status < 600 and first.status != vector.expect
    faults = _differs(first, vector)
    if [(one.status, one.body) for one in got] != [(200, target.encode())]:
        faults.append(f"the request behind got {[(one.status, one.body[:40]) for one in got]}")
    return faults


def _read(wire: bytes, vector: AnswerVector, *, behind: bool = False) -> tuple[Answer | None, list[Answer]]:
    """The answer to the vector's request, None where it broke off, and those behind it."""
    try:
        found = answers(wire, [] if behind else [vector.method])
    except WireError:
        return None, []
    return (None, found) if behind or not found else (found[0], found[1:])


def _differs(first: Answer | None, vector: AnswerVector) -> list[str]:
    meant = vector.expect
    if isinstance(meant, Cut):
        return [] if first is None else [f"a whole answer of {first.status} instead of one that breaks off"]
    if first is None:
        return ["the client got no whole answer"]
    if isinstance(meant, Got):
        same = (first.status, first.body) == (meant.status, meant.body)
        return [] if same else [f"the client got {first.status} {first.body[:40]!r}, not {meant}"]
    return [] if first.status == meant else [f"the client got {first.status}, not {meant}"]
