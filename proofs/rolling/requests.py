"""Users who ask one page after the other over a kept connection, as browsers do, and check every answer.

A connection is made again where the server said that it closes it, or closed it before a byte of the next request was
sent. Whatever else goes wrong is a failure: nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import h11

from proofs.rolling.service import Run, Service
from proofs.rolling.upstream import PIECES, cut
from proofs.soaking.upstream import body_of

SIZES: Final = (0, 300, 1_000, 9_000, 70_000)
WITHIN_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Habit:
    """What a user asks in turn, what time it takes, and the longest pause between two."""

    kinds: Sequence[str]
    seconds: float
    pause: float


QUICK_USER: Final = Habit(("length", "chunks", "length", "upload"), 0.0, 0.16)
SELDOM_USER: Final = Habit(("length",), 0.0, 8.0)


def slow_user(seconds: float) -> Habit:
    return Habit(("length", "chunks", "upload"), seconds, 0.5)


@dataclass
class Asked:
    """What all users asked. `told` and `found` are connections that the server had said it closes, or had closed."""

    requests: int = 0
    told: int = 0
    found: int = 0
    failures: list[str] = field(default_factory=list)


class WrongAnswerError(Exception):
    """The answer is not what was asked for."""


class _Connection:
    """One kept connection, used by one request at a time."""

    def __init__(self, taken: socket.socket, run: Run) -> None:
        self.run = run
        self.taken = taken
        self._http = h11.Connection(h11.CLIENT)
        self._loop = asyncio.get_running_loop()

    @property
    def closed(self) -> bool:
        """Has the server closed it, as far as is known here?"""
        try:
            return not self.taken.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    async def ask(self, head: h11.Request, body: Sequence[bytes], pause: float) -> tuple[int, bytes]:
        """Status and body."""
        await self._send(head)
        for piece in body:
            await self._send(h11.Data(piece))
            await asyncio.sleep(pause)
        await self._send(h11.EndOfMessage())
        status, parts = 0, []
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._loop.sock_recv(self.taken, 1 << 17))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return status, b"".join(parts)
            else:
                raise WrongAnswerError(f"the server said {event}")

    async def _send(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            await self._loop.sock_sendall(self.taken, data)

    def kept(self) -> bool:
        """May it be used again? False where the server said that it closes it."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True


class Users:
    """`numbers` are never given twice, so that no body is right for two requests."""

    def __init__(self, service: Service, host: str, cookie: str) -> None:
        self.asked = Asked()
        self.over = False
        self._service = service
        self._fields = [("Host", host), ("Cookie", cookie)]
        self._numbers: Iterator[int] = itertools.count(1)

    async def run(self, habit: Habit, seed: int) -> None:
        """One user, until it is over."""
        chance = random.Random(seed)
        connection: _Connection | None = None
        kinds = itertools.cycle(habit.kinds)
        while not self.over:
            if connection is not None and connection.closed:
                self.asked.found += 1
                connection.taken.close()
                connection = None
            connection = await self._turn(connection, next(kinds), habit.seconds)
            await asyncio.sleep(chance.random() * habit.pause)
        if connection is not None:
            connection.taken.close()

    async def _turn(self, connection: _Connection | None, kind: str, seconds: float) -> _Connection | None:
        """One request; the connection where it may be used again."""
        number = str(next(self._numbers))
        used = "a kept" if connection is not None else "a new"
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                connection = connection or _Connection(*await self._service.dial())
                await self._ask(connection, kind, number, seconds)
        except (OSError, TimeoutError, h11.RemoteProtocolError, WrongAnswerError) as error:
            where = f"{used} connection to {connection.run}" if connection is not None else "no connection"
            self.asked.failures.append(f"{kind} {number} on {where}: {error!r}")
            if connection is not None:
                connection.taken.close()
            return None
        finally:
            self.asked.requests += 1
        if connection.kept():
            return connection
        self.asked.told += 1
        connection.taken.close()
        return None

    async def _ask(self, connection: _Connection, kind: str, number: str, seconds: float) -> None:
        size = SIZES[int(number) % len(SIZES)]
        body = body_of(number, size)
        target = f"/{kind}/{size}/{number}/{seconds * 1000:.0f}"
        if kind == "upload":
            head = h11.Request(method="POST", target=target, headers=[*self._fields, ("Content-Length", str(size))])
            status, said = await connection.ask(head, cut(body), seconds / PIECES)
            meant = hashlib.sha256(body).hexdigest().encode()
        else:
            head = h11.Request(method="GET", target=target, headers=self._fields)
            status, said = await connection.ask(head, (), 0)
            meant = body
        if status != 200 or said != meant:
            raise WrongAnswerError(f"{status}, {len(said)} bytes for {len(meant)}, {said[:200]!r}")
