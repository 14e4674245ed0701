"""One of several processes: the whole proxy, with its part of the bounds, at a port that it shares.

Started by `parent.py`: python -m guildnet_proxy.processes.worker INDEX COUNT FOLDER TAILNET, whose standard input stays
open as long as the parent lives.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from guildnet import process
from guildnet.telemetry import log_fields
from guildnet_proxy.app import serve
from guildnet_proxy.processes.output import share_output
from guildnet_proxy.processes.share import Share
from guildnet_proxy.settings import Settings


def main(argv: list[str]) -> None:
    index, count, folder, tailnet = argv
    share = Share(int(index), int(count), Path(folder), int(tailnet))
    share_output(share.output_lock)
    log_fields(process=share.index)

    async def serve_share(settings: Settings, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()

        def parent_gone() -> None:
            loop.remove_reader(0)
            stop.set()

        # Nothing is ever written there: it can be read when it is closed.
        loop.add_reader(0, parent_gone)
        await serve(settings, stop, share)

    process.run("proxy", Settings, serve_share)


if __name__ == "__main__":
    main(sys.argv[1:])
