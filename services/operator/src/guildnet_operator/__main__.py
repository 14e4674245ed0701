"""Entry point of the operator's container."""

from __future__ import annotations

from guildnet import process
from guildnet_operator.app import serve
from guildnet_operator.settings import Settings


def main() -> None:
    """Run until SIGTERM; see `guildnet.process` for the exit status."""
    process.run("operator", Settings, serve)


if __name__ == "__main__":
    main()
