"""Readers with the worst filters that are taken: `python -m proofs.readers.worst`, one JSON line on standard input.

Each is an identity of its own and does at once, again and again, what one may: streams with a costly `q` that follow,
streams that end, lists of lines, each with a `q` that nobody asked for before. Prints how many answers there were by
status when its time is over.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from urllib.parse import quote

import aiohttp

from guildnet.identity import HEADER, Identity, sign
from proofs import PYTHON_PATH, ROOT
from proofs.loglab.apis import KEY

EXPRESSIONS = (
    "/(x?.){{0,80}}{n}z/",
    "/[xl].{{40}}[xi].{{40}}{n}z/",
    "/((x.{{0,20}}){{2}}i.{{0,20}}){{1,3}}{n}q/",
    "/(x+x+)+{n}y/",
    "{n} of nothing",
)
STREAMS, ENDING, LISTS = 6, 4, 4
"""Of each reader at the same time."""


@dataclass(frozen=True, slots=True)
class Task:
    """Where, whose logs, and how many readers for how long."""

    port: int
    targets: list[str]
    readers: int
    seconds: float


class Readers:
    """All of them."""

    def __init__(self, task: Task, session: aiohttp.ClientSession) -> None:
        self._task = task
        self._session = session
        self._number = count()
        self.answers: Counter[str] = Counter()
        self.until = time.monotonic() + task.seconds

    async def play(self, who: int) -> None:
        kinds = [
            *[("/sse/logs", "target={target}&q={q}&tail=5000")] * STREAMS,
            *[("/sse/logs", "target={target}&q={q}&tail=5000&follow=0")] * ENDING,
            *[("/api/servers/{target}/logs", "q={q}&limit=5000")] * LISTS,
        ]
        await asyncio.gather(*(self._again(who, path, query) for path, query in kinds))

    async def _again(self, who: int, path: str, query: str) -> None:
        identity = Identity("user", f"worst-{who}@example.com", source="tailnet")
        while (left := self.until - time.monotonic()) > 0:
            number = next(self._number)
            target = self._task.targets[number % len(self._task.targets)]
            at = path.format(target=target)
            q = quote(EXPRESSIONS[number % len(EXPRESSIONS)].format(n=number), safe="")
            url = f"http://127.0.0.1:{self._task.port}{at}?{query.format(target=target, q=q)}"
            headers = {HEADER: sign(identity, KEY, method="GET", path=at, now=time.time())}
            status = "cut off"
            with suppress(TimeoutError, aiohttp.ClientError):
                async with asyncio.timeout(min(left, 5.0)), self._session.get(url, headers=headers) as answer:
                    status = str(answer.status)
                    async for _ in answer.content.iter_chunked(65536):
                        pass
            self.answers[status] += 1


@asynccontextmanager
async def worst(task: Task, core: int) -> AsyncIterator[asyncio.Task[dict[str, int]]]:
    """They read from now on; the task has their answers by status."""
    process = await asyncio.create_subprocess_exec(
        "taskset", "--cpu-list", str(core), sys.executable, "-m", "proofs.readers.worst",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": PYTHON_PATH},
    )  # fmt: skip
    said = asyncio.create_task(process.communicate(json.dumps(asdict(task)).encode() + b"\n"))

    async def answers() -> dict[str, int]:
        return dict(json.loads((await said)[0]))

    waiting = asyncio.create_task(answers())
    try:
        yield waiting
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(waiting, return_exceptions=True)


async def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        readers = Readers(task, session)
        await asyncio.gather(*(readers.play(who) for who in range(task.readers)))
        print(json.dumps(readers.answers))


if __name__ == "__main__":
    asyncio.run(main())
