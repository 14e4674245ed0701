"""100,000 counted lines of five workspaces on the real cluster, while api, Redis and streams are killed."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

import httpx2

from proofs import Figure
from proofs.canary import faults
from proofs.canary.readers import Reader, read
from support.local import Local, bring_up, guildnet_local, workspace

WORKSPACES, LINES, READERS = 5, 20_000, 2
API_KILLS, REDIS_KILLS, CUTS = 10, 5, 10
APART_SECONDS = 5.0
WITHIN_SECONDS = 480.0
SHELL = "guildnet/busybox:0.1.0"
WRITE = f"""
sleep 5
n=0
while [ $n -lt {LINES} ]; do
  m=0
  while [ $m -lt 25 ]; do n=$((n+1)); m=$((m+1)); echo "n=$n"; done
  sleep 0.2
done
sleep 3600
"""
"""About 110 lines a second, for three minutes."""


async def _read_all(local: Local, names: list[str]) -> tuple[list[Reader], dict[str, int]]:
    parts = urlsplit(local.origin)
    headers = {"Authorization": f"Bearer {local.token}", "Host": parts.netloc, "Accept": "text/event-stream"}
    readers = [Reader(name) for name in names for _ in range(READERS)]
    timeout = httpx2.Timeout(10.0, read=30.0)
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{parts.port or 80}", headers=headers, timeout=timeout, limits=limits
    ) as client:
        reading = asyncio.gather(*(read(reader, client, LINES) for reader in readers))
        until = time.monotonic() + 60
        while not all(reader.last for reader in readers):
            assert time.monotonic() < until, "not every reader has seen a line after a minute"
            await asyncio.sleep(0.2)
        plan = faults.plan(API_KILLS, REDIS_KILLS, CUTS)
        hits = await asyncio.to_thread(faults.play, local, plan, APART_SECONDS)
        assert min(reader.last for reader in readers) < LINES, "the lines ended before the faults did"
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                await reading
        except TimeoutError:
            print("  not every reader came to the end in time", flush=True)
    return readers, hits


def prove() -> Figure:
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    names = [f"canary-{number}" for number in range(WORKSPACES)]
    try:
        for name in names:
            command = ["sh", "-c", WRITE]
            local.apply(workspace(name, SHELL, command=command, probe={"type": "none"}))
        readers, hits = asyncio.run(_read_all(local, names))
    finally:
        for name in names:
            local.delete_workspace(name)
    missing = sum(reader.missing(LINES) for reader in readers)
    duplicates = sum(reader.duplicates for reader in readers)
    disorder = sum(reader.disorder for reader in readers)
    unannounced = sum(reader.unannounced for reader in readers)
    opened = sum(reader.opened for reader in readers)
    gaps = sum(reader.gaps for reader in readers)
    print(f"  {', '.join(f'{number} × {what}' for what, number in hits.items())}; streams opened: {opened}", flush=True)
    text = (
        f"{WORKSPACES * LINES:,} lines to {READERS} readers each: missing {missing}, duplicate {duplicates}, "
        f"out of order {disorder}, unannounced gap {unannounced} (announced {gaps})"
    )
    return Figure(text, not (missing or duplicates or disorder or unannounced))
