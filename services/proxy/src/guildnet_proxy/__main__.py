"""The proxy's process."""

from __future__ import annotations

import asyncio

from guildnet import process
from guildnet_proxy.processes import parent
from guildnet_proxy.processes.cpus import processes_of
from guildnet_proxy.settings import Settings


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """In this process, or in several of which this is the parent."""
    count = processes_of(settings.processes)
    if count > 1:
        await parent.serve(settings, stop, count)
        return
    from guildnet_proxy import app  # a parent needs nothing of it

    await app.serve(settings, stop)


def main() -> None:
    """Entry point of the container."""
    process.run("proxy", Settings, serve)


if __name__ == "__main__":
    main()
