"""`python -m guildnet_local`: see the `cli` module."""

import sys

from guildnet_local.cli import main

if __name__ == "__main__":
    sys.exit(main())
