"""The proxy of the proof, a process of its own: `python -m proofs.hostile.front`; figures on request, a line each.

Reads a JSON line with the ports of both upstreams, writes one with its own port, hosts and cookies; then answers every
line with what was found since the last: the longest stall of the loop, connections, resident memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

import uvloop

from guildnet.process import collect_less, give_back_memory
from guildnet_proxy.app import limits_of
from guildnet_proxy.http.states.connection import State
from guildnet_proxy.settings import Settings
from integration.proxy.room import Room, jwt, make_room
from support.process import resident_bytes

TICK_SECONDS: Final = 0.005
REVIEW_SECONDS: Final = 0.05


class Stalls:
    """The longest time the loop did not turn, without what the machine gave to other processes meanwhile."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self, room: Room) -> None:
        while True:
            began, used = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK_SECONDS)
            late = time.perf_counter() - began - TICK_SECONDS
            self.longest = max(self.longest, min(late, time.process_time() - used))
            room.log.clear()
            room.reviews.clear()


def described(room: Room) -> dict[str, object]:
    hosts = {name: room.own_host(name) for name in ("ordinary", "evil")}
    cookies = {name: room.own_cookie(name) for name in ("ordinary", "evil")}
    return {"port": room.port, "host": room.host, "hosts": hosts, "cookies": cookies, "token": jwt("nobody")}


async def main() -> None:
    given = json.loads(await asyncio.to_thread(sys.stdin.readline))
    # The limits are those of an install with default settings.
    limits = limits_of(Settings(local_origin="http://guildnet.localhost:8080"))
    with tempfile.TemporaryDirectory() as directory:
        room = await make_room(Path(directory), given["ordinary"], given["ordinary"], limits, streams_per_workspace=512)
        room.add("ordinary", number=1, upstream_port=given["ordinary"])
        room.add("evil", number=2, upstream_port=given["evil"])
        slow = room.sources._reviews._ask

        async def review(token: str) -> object:
            await asyncio.sleep(REVIEW_SECONDS)
            return await slow(token)

        room.sources._reviews._ask = review  # type: ignore[assignment]  # the review of this play instead
        # As the proxy's own start does.
        collect_less()
        giving_back = asyncio.create_task(give_back_memory())
        stalls = Stalls()
        watching = asyncio.create_task(stalls.watch(room))
        print(json.dumps(described(room)), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            server = room.server
            found = {
                "stall": stalls.longest,
                "connections": len(server.clients) + len(server.relays),
                "states": Counter(State(client._state).name for client in server.clients),
                "resident": resident_bytes(os.getpid()),
                "alive": server.problem() is None,
            }
            stalls.longest = 0.0
            print(json.dumps(found), flush=True)
        watching.cancel()
        giving_back.cancel()
        await room.server.close()


if __name__ == "__main__":
    uvloop.run(main())
