"""What is asked of every proxy: the requests of each scenario, its connections, its peers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count, cycle, repeat
from typing import Final

from proofs.bench import bodies
from proofs.bench.load.clients import Asking, Chunked, Downloading, Loading, Messaging, Uploading
from proofs.bench.load.loop import Client, Load
from proofs.bench.mix import session
from proofs.bench.peers.room import Room

BLOCKS: Final = 16
"""Mebibytes of a large body."""
_SIZE: Final = BLOCKS * len(bodies.BLOCK)
_REPEATED: Final = bodies.repeated(_SIZE)


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks: the workspace's host, a browser's session there. `checked` asks for bodies to be hashed."""

    room: Room
    checked: bool = False

    def request(self, target: str, *more: str, method: str = "GET", connection: str = "keep-alive") -> bytes:
        room = self.room
        return bodies.request(room.host, room.cookie(), target, *more, method=method, connection=connection)

    @property
    def origin(self) -> str:
        return f"Origin: http://{self.room.host}"

    @property
    def digest(self) -> str:
        return _REPEATED if self.checked else ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`client` makes what makes connections. An operation is so many `units`; `upload` is its body's digest."""

    name: str
    what: str
    unit: str
    connections: int
    client: Callable[[Ask], Callable[[Load], Client]]
    peers: tuple[str, ...]
    """Those of the short form."""
    units: float = 1.0
    upload: str = ""
    others: bool = True
    """Whether the full form has all peers."""


TARGET: Final = "/api/contents/notebooks?content=0&hash=0"
_SOCKET: Final = (
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {bodies.KEY}",
)


def _small(ask: Ask) -> Callable[[Load], Client]:
    request = ask.request(TARGET)
    return lambda load: Asking(load, repeat(request))


def _unseen(ask: Ask) -> Callable[[Load], Client]:
    """One header is another in each request, as of a program that traces: no header block is ever the same."""
    requests = unseen(ask.request(TARGET))
    return lambda load: Asking(load, requests)


def unseen(request: bytes) -> Iterator[bytes]:
    """The request with a header that is another each time, and was another in every round before."""
    start = request.removesuffix(b"\r\n")
    seed = secrets.token_hex(8).encode()
    return (b"%btraceparent: 00-%b%016x-%016x-01\r\n\r\n" % (start, seed, number, number) for number in count(1))


def _mid(ask: Ask) -> Callable[[Load], Client]:
    request = ask.request("/mid")
    return lambda load: Asking(load, repeat(request), bodies.MID)


def _download(ask: Ask) -> Callable[[Load], Client]:
    request = ask.request(f"/bulk/length/{BLOCKS}")
    return lambda load: Downloading(load, request, _SIZE, ask.digest)


def _chunked(ask: Ask) -> Callable[[Load], Client]:
    request = ask.request(f"/bulk/chunked/{BLOCKS}")
    return lambda load: Chunked(load, request, _SIZE, ask.digest)


def _upload(ask: Ask) -> Callable[[Load], Client]:
    more = (ask.origin, "Content-Type: application/octet-stream", f"Content-Length: {_SIZE}")
    head = ask.request("/bulk/upload", *more, method="POST")
    return lambda load: Uploading(load, head, BLOCKS)


def socket(ask: Ask) -> Callable[[Load], Client]:
    request = ask.request("/bulk/socket", ask.origin, *_SOCKET, connection="Upgrade")
    return lambda load: Messaging(load, request)


def _played(kind: str) -> Callable[[Ask], Callable[[Load], Client]]:
    """A recorded session, one after the other on each connection, each of another person."""
    recorded = session.playable(session.read(kind))

    def client(ask: Ask) -> Callable[[Load], Client]:
        people = count(1)

        def requests() -> Iterator[bytes]:
            while True:
                cookie = ask.room.cookie(next(people))
                yield from (item.played(ask.room.host, cookie) for item in recorded)

        return lambda load: Asking(load, requests())

    return client


PAGE: Final = 60
"""Requests of JupyterLab's page until its panels are there, as recorded."""


def _page(ask: Ask) -> Callable[[Load], Client]:
    """The recorded requests; scripts and styles are answered with 100 KB, about what JupyterLab's have."""
    cookie = ask.room.cookie()
    files = []
    for item in session.playable(session.read("jupyterlab"))[:PAGE]:
        large = item.target.partition("?")[0].endswith((".js", ".css"))
        asked = replace(item, target="/mid") if large else item
        files.append((asked.played(ask.room.host, cookie), bodies.MID if large else bodies.BODY))
    return lambda load: Loading(load, cycle(files))


_MB: Final = _SIZE / 1e6
SCENARIOS: Final = (
    Scenario("small", "1 KB, header block seen before", "request", 50, _small, ("nginx", "go", "aiohttp", "chp")),
    Scenario("unseen", "1 KB, header block never seen", "request", 50, _unseen, ("nginx",)),
    Scenario("jupyterlab", "1 KB, a JupyterLab session", "request", 8, _played("jupyterlab"), ("nginx",), others=False),
    Scenario(
        "code-server", "1 KB, a code-server session", "request", 8, _played("code-server"), ("nginx",), others=False
    ),
    Scenario("page", "a JupyterLab page, 5 MB", "page", 6, _page, ("nginx",), 1 / PAGE),
    Scenario("mid", "100 KB", "request", 50, _mid, ("nginx",)),
    Scenario("download", "16 MiB by length", "MB", 2, _download, ("nginx",), _MB),
    Scenario("chunked", "16 MiB in chunks", "MB", 2, _chunked, ("nginx",), _MB),
    Scenario("upload", "16 MiB upload", "MB", 2, _upload, ("nginx",), _MB, _REPEATED),
    Scenario("websocket", "WebSocket messages of 64 B", "message", 50, socket, ("nginx",)),
)
MIXES: Final = session.KINDS
