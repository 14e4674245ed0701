"""Who else can give one line to thousands of readers: nchan (nginx, C), and a queue for every reader (Python)."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proofs import PYTHON_PATH
from proofs.loglab.node import stamp
from support.nginx import command
from support.process import Process, free_port, listening
from support.waiting import eventually

_NCHAN_MAIN = """\
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
worker_processes 1;
worker_rlimit_nofile 16384;"""
_NCHAN_HTTP = """\
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /pub {{ nchan_publisher; nchan_channel_id lines; nchan_message_buffer_length 5000; }}
    location = /sub {{ nchan_subscriber eventsource; nchan_channel_id lines; nchan_subscriber_first_message newest;
                       nchan_eventsource_ping_interval 15; }}
  }}"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running one: `pid` is the process whose CPU time counts."""

    name: str
    port: int
    pid: int

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
        """Publishes lines by number, on one connection and without waiting for the answers (RFC 9112, section 9.3.2).

        So it is never an answer's delay that keeps a peer from its rate. An answer that is none of success is raised.
        """
        answers, requests = await asyncio.open_connection("127.0.0.1", self.port)
        refused: list[bytes] = []

        async def look() -> None:
            while answer := await answers.readline():
                if answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 2"):
                    refused.append(answer)

        async def publish(number: int) -> None:
            assert not refused, f"{self.name} answered {refused[0]!r}"
            body = line(number)
            requests.write(b"POST /pub HTTP/1.1\r\nHost: lab\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await requests.drain()

        looking = asyncio.create_task(look())
        try:
            yield publish
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            requests.close()


def line(number: int) -> bytes:
    """The same line as a LogLine, as the api sends it."""
    now = time.time_ns()
    told = {"t": stamp(now), "lvl": "info", "msg": text(number, now), "container": "workspace", "pod": "ws-1"}
    return json.dumps(told, separators=(",", ":")).encode()


def text(number: int, now: int) -> str:
    """What containers write here: about as long as a usual line."""
    return f"n={number} t={now} GET /api/contents/notebooks/analysis.ipynb?content=1 200 12.34ms"


@asynccontextmanager
async def nchan(directory: Path, core: int) -> AsyncIterator[Peer]:
    """nginx with nchan; its one worker on a core of its own."""
    port = free_port()
    home = directory / "nchan"
    home.mkdir()
    started = command(home, main=_NCHAN_MAIN, connections=16384, http=_NCHAN_HTTP.format(port=port))
    argv = ["taskset", "--cpu-list", str(core), *started]
    process = Process(argv, home / "log")
    try:
        await listening(process, port, within=30)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        worker = await eventually(lambda: children.read_text().split())
        yield Peer("nchan", port, int(worker[0]))
    finally:
        process.stop()


@asynccontextmanager
async def queues(directory: Path, core: int) -> AsyncIterator[Peer]:
    port = free_port()
    process = Process(_server(core, "queue_app", str(port)), directory / "queues.log", env={"PYTHONPATH": PYTHON_PATH})
    try:
        await listening(process, port, within=30)
        yield Peer("queues", port, process.pid)
    finally:
        process.stop(kill=True)


@asynccontextmanager
async def bare(directory: Path, core: int, kind: str) -> AsyncIterator[Peer]:
    """What only holds connections: of `kind` "server" as the api's own server does, of `kind` "socket" without HTTP."""
    port = free_port()
    process = Process(
        _server(core, "bare_app", kind, str(port)), directory / f"bare-{kind}.log", env={"PYTHONPATH": PYTHON_PATH}
    )
    try:
        await listening(process, port, within=30)
        yield Peer(f"bare {kind}", port, process.pid)
    finally:
        process.stop(kill=True)


def _server(core: int, name: str, *arguments: str) -> list[str]:
    return ["taskset", "--cpu-list", str(core), sys.executable, "-m", f"proofs.loglab.servers.{name}", *arguments]
