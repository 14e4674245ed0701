"""`guildnet`, `kubectl workspace` and `python -m guildnet_cli`."""

from __future__ import annotations

import sys


def main() -> int:
    """The entry point of both commands."""
    from guildnet_cli.main import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
