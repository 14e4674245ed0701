"""Hostile clients: each a coroutine that does its worst with a connection, again and again until its time is over."""

from __future__ import annotations

import asyncio
import base64
import itertools
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

from proofs.hostile import upstreams

BLOCK: Final = b"x" * 65536
PAUSE: Final = 0.02
KIB: Final = 1024


class Hostile:
    """What an attack has: connections that it reads from or not. Those that are held are left open when it is over."""

    def __init__(self, where: dict[str, Any]) -> None:
        self.where = where
        self.held: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()

    async def dial(self) -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KIB)
        client.setblocking(False)
        self.held.append(client)
        await self._loop.sock_connect(client, ("127.0.0.1", self.where["port"]))
        return client

    async def send(self, client: socket.socket, data: bytes) -> None:
        """As much as is taken within half a second."""
        async with asyncio.timeout(0.5):
            await self._loop.sock_sendall(client, data)

    async def read(self, client: socket.socket, size: int = 65536) -> bytes:
        async with asyncio.timeout(2):
            return await self._loop.sock_recv(client, size)

    async def drain(self, client: socket.socket, size: int = 65536, pause: float = 0.01) -> None:
        """Reads all there is, paced: what is asked is not how much the machine can carry."""
        while True:
            if not await self.read(client, size):
                return
            await asyncio.sleep(pause)

    def reset(self, client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def ask(self, path: str, *fields: str, method: str = "GET") -> bytes:
        """A request of somebody who may use the workspace `evil`."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.where['hosts']['evil']}"]
        lines.append(f"Cookie: {self.where['cookies']['evil']}")
        return "\r\n".join([*lines, *fields, "", ""]).encode()

    def anonymous(self, *fields: str, path: str = "/api/servers") -> bytes:
        return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {self.where['host']}", *fields, "", ""]).encode("latin-1")

    def token(self, payload: bytes = b"") -> str:
        """A made-up bearer token, each another."""
        payload = payload or b'{"aud":"guildnet","n":%d%d}' % (id(self), next(self._numbers))
        return "Authorization: Bearer e30." + base64.urlsafe_b64encode(payload).rstrip(b"=").decode() + ".c2ln"

    def upgrade(self, path: str) -> bytes:
        return self.ask(path, "Upgrade: websocket", "Connection: Upgrade")


Attack = Callable[[Hostile], Awaitable[None]]


def sends(make: Callable[[Hostile], bytes], *, then: bytes = b"", pause: float = PAUSE, reads: bool = False) -> Attack:
    """Sends a request, then `then` for ever; reads what comes, or nothing."""

    async def attack(it: Hostile) -> None:
        client = await it.dial()
        await it.send(client, make(it))
        while then:
            await it.send(client, then)
            await asyncio.sleep(pause)
        if reads:
            await it.drain(client)
        else:
            await asyncio.sleep(2)

    return attack


def resets(make: Callable[[Hostile], bytes], *, reads: int = 0, half: bool = False) -> Attack:
    """Sends a request, perhaps reads of its answer, and resets the connection, or closes one side of it."""

    async def attack(it: Hostile) -> None:
        client = await it.dial()
        await it.send(client, make(it))
        if reads:
            await it.read(client, reads)
        await asyncio.sleep(PAUSE)
        if half:
            client.shutdown(socket.SHUT_WR)
            await asyncio.sleep(2)
        else:
            it.reset(client)

    return attack


def fetches(path: str) -> Attack:
    """Asks a hostile upstream and reads whatever comes."""

    async def attack(it: Hostile) -> None:
        client = await it.dial()
        await it.send(client, it.ask(f"/{path}"))
        await it.drain(client)

    return attack


async def _drips(it: Hostile) -> None:
    client = await it.dial()
    await it.send(client, it.ask("/big"))
    await it.drain(client, 1, 0.2)


async def _unread_then_bytes(it: Hostile) -> None:
    client = await it.dial()
    try:
        await it.send(client, it.anonymous() * 8000)
    finally:
        for _ in range(100):
            await it.send(client, b"a")


async def _unread_then_upgraded(it: Hostile) -> None:
    client = await it.dial()
    await it.send(client, it.anonymous() * 500 + it.upgrade("/flood"))
    await it.read(client, 4 * KIB)
    await asyncio.sleep(2)


async def _early_answer(it: Hostile) -> None:
    client = await it.dial()
    await it.send(client, it.ask("/early-answer", "Content-Length: 400000", method="POST") + BLOCK * 6)
    await it.read(client)
    await it.send(client, it.ask("/ok"))
    await it.drain(client)


async def _comes_and_goes(it: Hostile) -> None:
    for _ in range(20):
        (await it.dial()).close()


async def _invents_names(it: Hostile) -> None:
    client = await it.dial()
    for number in range(50):
        await it.send(client, it.anonymous(*(f"X-{id(client)}-{number}-{field}: a" for field in range(80))))
        await it.read(client)


_CHUNKED: Final = "Transfer-Encoding: chunked"
_LONG: Final = "Content-Length: 100000000"
ATTACKS: Final[dict[str, Attack]] = {
    "a head by the byte": sends(lambda it: b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 7000, then=b"b", pause=0.0005),
    "a head that does not go on": sends(lambda _: b"G"),
    "a head without an end": sends(lambda _: b"GET / HTTP/1.1\r\n", then=b"a: b\r\n" * 100, reads=True),
    "a line without an end": sends(lambda _: b"GET /" + b"a" * 100_000),
    "bare line feeds": sends(lambda _: b"GET / HTTP/1.1\nHost: a\n\n", reads=True),
    "bytes that are no HTTP": sends(lambda _: b"\x16\x03\x01" + bytes(range(256)), reads=True),
    "too many fields": sends(lambda it: it.anonymous(*["a: b"] * 200), reads=True),
    "names of fields made up": _invents_names,
    "another host": sends(lambda _: b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" * 100),
    "a pipeline nobody reads": sends(lambda it: it.anonymous() * 100, then=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 50),
    "a pipeline nobody reads, then bytes": _unread_then_bytes,
    "a pipeline in one write": sends(lambda it: it.anonymous() * 1000, reads=True),
    "a pipeline to a workspace": sends(lambda it: it.ask("/ok") * 500, reads=True),
    "an answer nobody reads": sends(lambda it: it.ask("/big")),
    "a last answer nobody reads": sends(lambda it: it.ask("/big", "Connection: close")),
    "an answer read by the byte": _drips,
    "a flood nobody reads after an upgrade": sends(lambda it: it.upgrade("/flood")),
    "a flood across an upgrade, unread before": _unread_then_upgraded,
    "a flood up after an upgrade": sends(lambda it: it.upgrade("/socket-not-read") + BLOCK * 4, then=BLOCK),
    "a flood up before an upgrade": sends(lambda it: it.upgrade("/never") + BLOCK * 4, then=BLOCK),
    "an upgrade that says nothing": sends(lambda it: it.upgrade("/silent-socket")),
    "an upgrade of another page": sends(lambda it: it.upgrade("/flood").replace(b"Upgrade:", b"Origin: a\r\nUpgrade:")),
    "made-up tokens": sends(lambda it: b"".join(it.anonymous(it.token()) for _ in range(20)), reads=True),
    "made-up tokens, and gone": resets(lambda it: it.anonymous(it.token())),
    "a nested token": sends(lambda it: it.anonymous(it.token(b"[" * 4000)) * 20, reads=True),
    "a token that is not text": sends(lambda it: it.anonymous(it.token() + "\xff"), reads=True),
    "an expired token": sends(lambda it: it.anonymous(it.token(b'{"aud":"guildnet","exp":1}')) * 20, reads=True),
    "chunk extensions without end": sends(
        lambda it: it.ask("/not-read", _CHUNKED, method="POST") + b"1;", then=b"a=b;" * 1000
    ),
    "trailers without end": sends(
        lambda it: it.ask("/not-read", _CHUNKED, method="POST") + b"0\r\n", then=b"a: b\r\n" * 1000
    ),
    "chunks of one byte": sends(lambda it: it.ask("/not-read", _CHUNKED, method="POST"), then=b"1\r\na\r\n" * 2000),
    "a broken chunk in an answer": sends(lambda it: it.ask("/big", _CHUNKED, method="POST") + b"zz\r\n", reads=True),
    "a body by the byte": sends(lambda it: it.ask("/not-read", _LONG, method="POST"), then=b"a"),
    "a body nobody takes": sends(lambda it: it.ask("/not-read", _LONG, method="POST"), then=BLOCK),
    "a body answered before it is read": _early_answer,
    "a body after a refusal": sends(lambda _: b"nonsense\r\n\r\n", then=BLOCK),
    "a reset in a head": resets(lambda _: b"GET / HTTP/1.1\r\n"),
    "a reset while connecting": resets(lambda it: it.ask("/never")),
    "a reset in an answer": resets(lambda it: it.ask("/big"), reads=64 * KIB),
    "a reset in a body": resets(lambda it: it.ask("/not-read", _LONG, method="POST") + BLOCK),
    "a reset after an upgrade": resets(lambda it: it.upgrade("/flood"), reads=KIB),
    "one side closed after a request": resets(lambda it: it.ask("/big"), half=True),
    "one side closed in a head": resets(lambda _: b"GET / HTTP/1.1\r\n", half=True),
    "one side closed after an upgrade": resets(lambda it: it.upgrade("/silent-socket"), reads=KIB, half=True),
    "one side closed by the workspace": sends(lambda it: it.upgrade("/socket-half-closed")),
    "coming and going": _comes_and_goes,
    "connections that say nothing": sends(lambda _: b""),
    **{f"a workspace: {name}": fetches(name) for name in upstreams.TALKS if name not in {"ok", "flood", "not-read"}},
}


async def attacking(attack: Attack, where: dict[str, Any], seconds: float, held: int) -> Hostile:
    """Plays one attack until its time is over; keeps its last `held` connections open."""
    it = Hostile(where)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        try:
            async with asyncio.timeout(min(left, 5.0)):
                await attack(it)
        except (OSError, TimeoutError):
            pass
        while len(it.held) > held:
            it.held.pop(0).close()
        await asyncio.sleep(PAUSE)
    return it
