"""100,000 counted lines of five workspaces on the real cluster, while api, Redis and streams are killed.

Each fault comes when every reader has a stream again that has brought new lines, so that it hits what is read. Beside
them a sixth workspace writes more than the kubelet keeps in one file: what was rotated away before it could be read
again is lost, and has to be announced as a gap.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from proofs import Figure
from proofs.canary import faults
from proofs.canary.readers import Reader, read
from support.local import Local, bring_up, guildnet_local, workspace

READERS = 2
WITHIN_SECONDS = 480.0
STARTED_SECONDS = 60.0
SHELL = "guildnet/busybox:0.1.0"
ROTATING = "proof-canary-rotating"
PADDING = 600
"""Bytes of each line of the sixth: 12 MB in all, where the kubelet begins a new file after 10 MiB."""


@dataclass(frozen=True, slots=True)
class Size:
    """Workspaces, lines of each, and how often what is killed."""

    workspaces: int
    lines: int
    api: int
    redis: int
    cuts: int
    rotating: bool


FULL, QUICK = Size(5, 20_000, 10, 5, 10, rotating=True), Size(2, 6_000, 2, 1, 2, rotating=False)


def script(lines: int, padding: int = 0) -> str:
    """About 110 lines a second."""
    return f"""
sleep 5
p=$(head -c {padding} /dev/zero | tr '\\0' x)
n=0
while [ $n -lt {lines} ]; do
  m=0
  while [ $m -lt 25 ]; do n=$((n+1)); m=$((m+1)); echo "${{p}}n=$n"; done
  sleep 0.2
done
sleep 3600
"""


class Progress:
    """Whether everybody reads: has a stream, and has got new lines since this was true last."""

    def __init__(self, readers: list[Reader], lines: int) -> None:
        self._readers = readers
        self._lines = lines
        self._seen = [0] * len(readers)

    def __call__(self) -> bool:
        now = [reader.last for reader in self._readers]
        pairs = zip(self._readers, now, self._seen, strict=True)
        if not all(reader.connected and at > seen for reader, at, seen in pairs):
            return False
        self._seen = now
        assert min(now) < self._lines, "the lines ended before the faults did"
        return True


async def _read_all(local: Local, size: Size, names: list[str]) -> tuple[list[Reader], dict[str, int]]:
    parts = urlsplit(local.origin)
    headers = {"Authorization": f"Bearer {local.token}", "Host": parts.netloc, "Accept": "text/event-stream"}
    readers = [Reader(name) for name in names for _ in range(READERS)]
    timeout = httpx2.Timeout(10.0, read=30.0)
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{parts.port or 80}", headers=headers, timeout=timeout, limits=limits
    ) as client:
        reading = asyncio.gather(*(read(reader, client, size.lines) for reader in readers))
        until = time.monotonic() + STARTED_SECONDS
        while not all(reader.last for reader in readers):
            assert time.monotonic() < until, "not every reader has seen a line after a minute"
            await asyncio.sleep(0.2)
        plan = faults.plan(size.api, size.redis, size.cuts)
        hits = await asyncio.to_thread(faults.play, local, plan, Progress(readers, size.lines))
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                await reading
        except TimeoutError:
            print("  not every reader came to the end in time", flush=True)
    return readers, hits


def prove(*, quick: bool = False) -> Figure:
    size = QUICK if quick else FULL
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    scripts = {f"proof-canary-{number}": script(size.lines) for number in range(size.workspaces)}
    if size.rotating:
        scripts[ROTATING] = script(size.lines, PADDING)
    try:
        for name, text in scripts.items():
            local.delete_workspace(name)
            local.apply(workspace(name, SHELL, command=["sh", "-c", text], probe={"type": "none"}))
        readers, hits = asyncio.run(_read_all(local, size, list(scripts)))
    finally:
        for name in scripts:
            local.delete_workspace(name)
    opened = sum(reader.opened for reader in readers)
    print(f"  {', '.join(f'{number} × {what}' for what, number in hits.items())}; streams opened: {opened}", flush=True)
    return _judged(size, readers)


def _judged(size: Size, readers: list[Reader]) -> Figure:
    kept = [reader for reader in readers if reader.workspace != ROTATING]
    rotated = [reader for reader in readers if reader.workspace == ROTATING]
    missing = sum(reader.missing(size.lines) for reader in kept)
    duplicates = sum(reader.duplicates for reader in readers)
    disorder = sum(reader.disorder for reader in readers)
    unannounced = sum(reader.unannounced for reader in readers)
    ended = all(reader.last >= size.lines for reader in readers)
    text = (
        f"{size.workspaces * size.lines:,} lines to {READERS} readers each: missing {missing}, duplicate {duplicates}, "
        f"out of order {disorder}, unannounced gap {unannounced} (announced {sum(reader.gaps for reader in kept)})"
    )
    if rotated:
        lost = sum(reader.missing(size.lines) for reader in rotated)
        text += f"; beyond the kubelet's rotation: {lost} lost in {sum(r.gaps for r in rotated)} announced gaps"
    return Figure(text, ended and not (missing or duplicates or disorder or unannounced))
