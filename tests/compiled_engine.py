"""The proxy's unit tests once more, with its data path compiled as in the image.

The extensions are built into the cache where the sources have changed; where there is no C compiler, the reason is
printed and nothing runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from guildnet_local.build.engine import NotCompiledError, ensure
from guildnet_local.build.engine import missing as missing_here
from guildnet_local.settings import cache_directory

ROOT: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    if missing := missing_here():
        print(f"skipped: {missing}")
        return 0
    try:
        folder = ensure(ROOT, cache_directory(os.environ), print)
    except NotCompiledError as error:
        print(error)
        return 1
    argv = [sys.executable, "-m", "pytest", "tests/unit/proxy", "--numprocesses=auto", *sys.argv[1:]]
    env = {**os.environ, "PYTHONPATH": str(folder), "GUILDNET_TEST_COMPILED": "1"}
    return subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
