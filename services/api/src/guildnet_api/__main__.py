"""The api's process."""

from __future__ import annotations

from guildnet import process
from guildnet_api.run import serve
from guildnet_api.settings import Settings


def main() -> None:
    """Entry point of the container."""
    process.run("api", Settings, serve)


if __name__ == "__main__":
    main()
