"""The api's process: settings once, logs, the loop. Exit code 2 for settings that cannot be used."""

from __future__ import annotations

import asyncio
import sys

import structlog
import uvloop

from guildnet.errors import GuildNetError
from guildnet.settings import EXIT_BAD_SETTINGS, load
from guildnet.telemetry import configure_logging
from guildnet_api.run import serve
from guildnet_api.settings import Settings

log = structlog.get_logger(__name__)


def main() -> None:
    settings = load(Settings)
    configure_logging("api", settings.log_level, settings.log_format)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (GuildNetError, ValueError) as error:
        log.error("cannot start", error=str(error))
        sys.exit(EXIT_BAD_SETTINGS)


if __name__ == "__main__":
    main()
