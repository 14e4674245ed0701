"""`guildnet-proxy`: read the settings once, run until SIGTERM."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from guildnet.errors import GuildNetError
from guildnet.settings import load
from guildnet.telemetry import configure_logging, logger
from guildnet_proxy.app import running
from guildnet_proxy.settings import Settings


def main() -> None:
    settings = load(Settings)
    configure_logging("proxy", settings.log_level, settings.log_format)
    raise SystemExit(uvloop.run(_run(settings)))


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(settings) as proxy:
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait((waiting, *proxy.tasks), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if stop.is_set():
                logger.info("proxy stops")
                return 0
            logger.error("a part of the proxy ended; the process ends with it")
            return 1
    except (GuildNetError, OSError) as error:
        logger.error("proxy cannot run", error=str(error))
        return 1


if __name__ == "__main__":
    main()
