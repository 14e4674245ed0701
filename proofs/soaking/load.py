"""Clients that ask for everything in turn, check every answer, and now and then leave in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from proofs.soaking.upstream import FRESH, body_of

WORKERS: Final = 8
SIZES: Final = (0, 300, 4_000, 70_000, 300_000)
WHOLE: Final = ("length", "chunks", "slow", "until-close")
BROKEN: Final = {"reset": 502, "bad-head": 502, "cut": 0, "cut-reset": 0, "bad-chunk": 0}
"""The status that the client gets, 0 for an answer that breaks off."""
_TURN: Final = (
    *WHOLE, "digest", "length", "reset", "chunks", "leave", "cut", "digest", "socket", "bad-head", "length",
    "cut-reset", "digest", "leave-upload", "bad-chunk", "slow",
)  # fmt: skip


@dataclass
class Result:
    """What was asked, and each thing that was not as it had to be."""

    asked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Bodies that are not the request's own."""
    other: list[str] = field(default_factory=list)
    """Answers of another kind than the upstream's doing asks for."""


class Clients:
    """`numbers` are never given twice, so that no body is right for two requests."""

    def __init__(self, origin: str, headers: dict[str, str]) -> None:
        self.result = Result()
        self._origin = origin
        self._headers = headers
        self._numbers: Iterator[int] = itertools.count(1)

    async def fill(self, requests: int) -> None:
        """So many requests, each with a field that never was before and comes back: what is remembered is full then."""
        connector = aiohttp.TCPConnector(limit=WORKERS)
        left = itertools.repeat(None, requests)

        async def work(session: aiohttp.ClientSession) -> None:
            for _ in left:
                number = str(next(self._numbers))
                self.result.asked["fresh"] += 1
                async with session.get(self._url("length", 0, number), headers={FRESH: number}) as response:
                    if response.status != 200 or response.headers.get(FRESH) != number:
                        self.result.other.append(f"fresh {number} is {response.status}")

        async with aiohttp.ClientSession(connector=connector, headers=self._headers) as session:
            await asyncio.gather(*(work(session) for _ in range(WORKERS)))

    async def round(self, seconds: float) -> None:
        """All workers for this long; all their connections are closed at its end."""
        deadline = asyncio.get_running_loop().time() + seconds
        timeout = aiohttp.ClientTimeout(total=30)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=self._headers, auto_decompress=False
        ) as session:
            await asyncio.gather(*(self._work(session, worker, deadline) for worker in range(WORKERS)))

    async def _work(self, session: aiohttp.ClientSession, worker: int, deadline: float) -> None:
        for kind in itertools.islice(itertools.cycle(_TURN), worker * 3, None):
            if asyncio.get_running_loop().time() > deadline:
                return
            number = str(next(self._numbers))
            self.result.asked[kind] += 1
            ask = _SPECIAL.get(kind, Clients._answer)
            try:
                await ask(self, session, kind, number)
            except (aiohttp.ClientError, TimeoutError) as error:
                if BROKEN.get(kind) != 0:  # one that is to break off may do so before its head is sent
                    self.result.other.append(f"{kind} {number}: {error!r}")

    def _url(self, kind: str, size: int, number: str) -> str:
        return f"{self._origin}/{kind}/{size}/{number}"

    async def _answer(self, session: aiohttp.ClientSession, kind: str, number: str) -> None:
        size = SIZES[int(number) % len(SIZES)] if kind in WHOLE else 50_000
        meant = BROKEN.get(kind, 200)
        async with session.get(self._url(kind, size, number)) as response:
            try:
                body = await response.read()
            except aiohttp.ClientError:
                if meant:
                    self.result.other.append(f"{kind} {number} broke off")
                return
        if response.status != meant:
            self.result.other.append(f"{kind} {number} is {response.status}, not {meant or 'broken off'}")
        elif meant == 200 and body != body_of(number, size):
            self.result.wrong.append(f"{kind} {number}: {len(body)} bytes for {size}")

    async def _digest(self, session: aiohttp.ClientSession, kind: str, number: str) -> None:
        body = body_of(number, SIZES[int(number) % len(SIZES)])

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 9_000):
                yield body[at : at + 9_000]

        data = body if int(number) % 2 else pieces()
        async with session.post(self._url(kind, len(body), number), data=data) as response:
            said = await response.text()
        if said != hashlib.sha256(body).hexdigest():
            self.result.wrong.append(f"{kind} {number}: the upstream had another body ({response.status})")

    async def _socket(self, session: aiohttp.ClientSession, kind: str, number: str) -> None:
        async with session.ws_connect(self._url(kind, 0, number), max_msg_size=0) as socket:
            for part in range(5):
                sent = body_of(f"{number}/{part}", 20_000)
                await socket.send_bytes(sent)
                if await socket.receive_bytes() != sent:
                    self.result.wrong.append(f"{kind} {number}: part {part}")

    async def _leave(self, session: aiohttp.ClientSession, _kind: str, number: str) -> None:
        async with session.get(self._url("slow", 300_000, number)) as response:
            await response.content.readany()
            response.close()

    async def _leave_upload(self, session: aiohttp.ClientSession, _kind: str, number: str) -> None:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 5_000
                await asyncio.sleep(0.005)

        try:
            async with asyncio.timeout(0.05):
                async with session.post(self._url("digest", 0, number), data=endless()):
                    pass
        except (TimeoutError, aiohttp.ClientError):
            pass


Ask = Callable[[Clients, aiohttp.ClientSession, str, str], Awaitable[None]]
_SPECIAL: Final[dict[str, Ask]] = {
    "digest": Clients._digest,
    "socket": Clients._socket,
    "leave": Clients._leave,
    "leave-upload": Clients._leave_upload,
}
