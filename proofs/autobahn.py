"""A WebSocket through the proxy is the same as one straight to its server, case by case of the Autobahn suite."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs import PYTHON_PATH, Figure
from proofs.proxied.running import Proxy, proxy
from proofs.websocket.case import Case
from proofs.websocket.cases import every
from proofs.websocket.driver import Heard, passed, play
from support.process import Process, free_port, listening

SERVERS: Final = ("aiohttp", "websockets")
AT_ONCE: Final = 6
CASES: Final = 500
PLAYS: Final = 3
"""Of a case that fails the connection. A server that closes while the client still writes resets the connection
(RFC 9112, section 9.6), and whether its last frame is read before the reset is a matter of microseconds: an unequal
pair is played again. Cases that fail nothing are played once."""


@dataclass(frozen=True, slots=True)
class Played:
    """One case against one server, straight and through the proxy; None for one that gave no answer."""

    server: str
    case: Case
    direct: Heard | None
    proxied: Heard | None
    plays: int = 1

    @property
    def equal(self) -> bool:
        return self.direct is not None and self.direct == self.proxied

    @property
    def passed(self) -> bool:
        """Does the server do straight what the case asks?"""
        return self.direct is not None and passed(self.case, self.direct)


@asynccontextmanager
async def _servers(directory: Path) -> AsyncIterator[dict[str, int]]:
    """The ports of the servers that send everything back."""
    async with AsyncExitStack() as stack:
        ports = {name: free_port() for name in SERVERS}
        for name, port in ports.items():
            argv = [sys.executable, "-P", "-m", f"proofs.websocket.servers.{name}_echo", str(port)]
            process = Process(argv, directory / f"{name}.log", env={"PYTHONPATH": PYTHON_PATH})
            stack.push_async_callback(asyncio.to_thread, process.stop)
            await listening(process, port)
        yield ports


async def _heard(port: int, running: Proxy, server: str, case: Case) -> Heard | None:
    try:
        return await play(port, running.host(server), running.cookie(server), case)
    except (OSError, TimeoutError):
        return None


async def _play(directory: Path) -> list[Played]:
    places = asyncio.Semaphore(AT_ONCE)
    async with _servers(directory) as ports, proxy(directory, ports) as running:

        async def one(server: str, case: Case) -> Played:
            async with places:
                for plays in range(1, PLAYS + 1):
                    direct = await _heard(ports[server], running, server, case)
                    proxied = await _heard(running.port, running, server, case)
                    played = Played(server, case, direct, proxied, plays)
                    if played.equal or not case.fails:
                        break
                return played

        return list(await asyncio.gather(*(one(server, case) for case in every() for server in SERVERS)))


def judged(played: list[Played]) -> Figure:
    """The figure: all are equal, and each case is one that a server passes."""
    cases = {each.case.number for each in played}
    vain = cases - {each.case.number for each in played if each.passed}
    different = sum(not each.equal for each in played)
    text = (
        f"{len(cases)} cases to {len({each.server for each in played})} servers: {len(played) - different} equal "
        f"through the proxy, {different} differing; {sum(each.passed for each in played)} of {len(played)} "
        f"passed by the server, {len(vain)} cases by none; {sum(each.plays > 1 for each in played)} played again"
    )
    return Figure(text, len(cases) >= CASES and not different and not vain)


def prove() -> Figure:
    with tempfile.TemporaryDirectory() as directory:
        played = asyncio.run(_play(Path(directory)))
    for each in played:
        if not each.equal:
            print(f"  {each.server}, {each.case.number} ({each.case.what}) differs:")
            print(f"    straight {_shown(each.direct)}\n    proxied  {_shown(each.proxied)}")
        elif not each.passed:
            print(f"  {each.server}, {each.case.number} ({each.case.what}): equal, not passed: {_shown(each.direct)}")
    return judged(played)


def _shown(heard: Heard | None) -> str:
    if heard is None:
        return "nothing"
    frames = " ".join(heard.frames[:8])
    said = b"; ".join(heard.handshake).decode("latin-1")
    return f"{said}; {frames}; {heard.size} bytes, close {heard.code}, {heard.end}"
