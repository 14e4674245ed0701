"""The proxy's process."""

from __future__ import annotations

from guildnet import process
from guildnet_proxy.app import serve
from guildnet_proxy.settings import Settings


def main() -> None:
    """Entry point of the container."""
    process.run("proxy", Settings, serve)


if __name__ == "__main__":
    main()
