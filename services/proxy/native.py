"""Compiles the modules of the data path to machine code with mypyc: python native.py SOURCE TARGET.

SOURCE is the folder that holds the package, TARGET where the extensions go: into a package's own folder there, where
Python takes them before the sources of the same names. Nothing else differs: without the extensions the same modules
run as they are. mypyc checks the types it compiles by; MYPYPATH names what the package imports, and PYTHON the
interpreter that has the rest, where that is another one than this.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from mypyc.build import mypycify
from setuptools import setup

PACKAGE = "guildnet_proxy"
COMPILED = (
    "access_log.py",
    "admission.py",
    "memo.py",
    "request_metrics.py",
    "sites.py",
    "auth/authenticate.py",
    "http/answering.py",
    "http/connection.py",
    "http/errors.py",
    "http/exchange.py",
    "http/fallible.py",
    "http/forward.py",
    "http/incoming.py",
    "http/relay.py",
    "http/server.py",
    "http/upstream.py",
    "http/message/*.py",
    "http/splicing/*.py",
    "http/tunnel/*.py",
    "rewrite/*.py",
    "frontdoor/cross_origin.py",
    "frontdoor/dispatch.py",
    "frontdoor/memory.py",
    "frontdoor/path_form.py",
    "frontdoor/request.py",
    "frontdoor/way.py",
    "frontdoor/workspaces.py",
)
"""What every request goes through. A package's `__init__` says nothing and stays as it is."""
_CONFIGURATION = """\
[mypy]
ignore_missing_imports = True
follow_imports = silent
cache_dir = {cache}
[mypy-aiohttp.*,cryptography.*,guildnet.kube.*,kubernetes.*,pydantic.*,pydantic_core.*,structlog.*]
follow_imports = skip
"""
"""What no compiled module looks into is not read: it takes fourteen times as long as the rest."""
UNWARNED = "-Wno-misleading-indentation"
"""What gcc is not asked: in code that a program wrote it looks at every line, for longer than it compiles."""


def modules(package: Path) -> list[Path]:
    found = [path for pattern in COMPILED for path in sorted(package.glob(pattern)) if path.stem != "__init__"]
    missing = [pattern for pattern in COMPILED if not any(package.glob(pattern))]
    if missing:
        raise SystemExit(f"there is no {', '.join(missing)} in {package}")
    return found


def build(source: Path, target: Path) -> None:
    """Writes the extensions, and one library with the code of all of them."""
    with tempfile.TemporaryDirectory() as work:
        configuration = Path(work, "mypy.ini")
        configuration.write_text(_CONFIGURATION.format(cache=Path(work, "types")))
        interpreter = [f"--python-executable={python}"] if (python := os.environ.get("PYTHON")) else []
        os.chdir(source)
        paths = [str(path) for path in modules(Path(PACKAGE))]
        extensions = mypycify(
            [f"--config-file={configuration}", *interpreter, *paths],
            opt_level="2",
            debug_level="0",
            target_dir=work,
            group_name=PACKAGE,
        )
        for extension in extensions:
            extension.extra_compile_args.append(UNWARNED)
        setup(
            name=PACKAGE,
            packages=[],
            ext_modules=extensions,
            script_args=["--quiet", "build_ext", f"--build-lib={target}", f"--build-temp={work}"],
        )


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
