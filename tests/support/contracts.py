"""The import contracts of pyproject.toml, each tried with a violation it has to catch, on a copy of the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = (
    "libs/guildnet/src", "services/api/src", "services/proxy/src", "services/operator/src", "tools/src", "cli/src",
)  # fmt: skip
PYPROJECT: Final = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Plant:
    """A forbidden import: the module that would have it, and the line."""

    module: str
    line: str


PLANTS: Final[Mapping[str, Plant]] = {
    "independence": Plant("guildnet_api.errors", "import guildnet_proxy.settings"),
    "api-workspaces-pure": Plant("guildnet_api.workspaces.view", "import time"),
    "api-logs-below-handlers": Plant("guildnet_api.logs.ring", "import guildnet_api.handlers.logs"),
    "proxy-engine": Plant("guildnet_proxy.http.relay", "import guildnet_proxy.sites"),
    "proxy-rooms": Plant("guildnet_proxy.rewrite.cookies", "import guildnet_proxy.auth.sessions"),
    "shared-at-the-bottom": Plant("guildnet.names", "import guildnet_operator.settings"),
    "tool-rooms": Plant("guildnet_local.machine.process", "import guildnet_local.release.helm"),
    "operator-plan-status-pure": Plant("guildnet_operator.status.conditions", "import time"),
    "operator-plan-status-below-watch": Plant(
        "guildnet_operator.plan.defaults", "import guildnet_operator.event_recorder"
    ),
    "cli-alone": Plant("guildnet_cli.wire", "import guildnet.names"),
    "cli-rooms": Plant("guildnet_cli.client", "import guildnet_cli.verbs.why"),
    "operator-layers": Plant("guildnet_operator.watch.live", "import guildnet_operator.sync.diff"),
}
"""By the id of the contract that has to catch it; a test holds that every contract has one."""


def contracts() -> dict[str, str]:
    """The name of every contract by its id."""
    configured = tomllib.loads((ROOT / PYPROJECT).read_text())["tool"]["importlinter"]["contracts"]
    return {item["id"]: item["name"] for item in configured}


class Checkout:
    """A copy of the sources below `directory`, in which violations can be planted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        shutil.copy(ROOT / PYPROJECT, directory / PYPROJECT)
        for source in SOURCES:
            shutil.copytree(ROOT / source, directory / source, ignore=shutil.ignore_patterns("__pycache__"))

    def kept(self, *ids: str) -> bool:
        """Are these contracts kept; all of them where none is named?"""
        named = [text for id_ in ids for text in ("--contract", id_)]
        paths = os.pathsep.join(str(self._directory / source) for source in SOURCES)
        done = subprocess.run(
            [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", PYPROJECT, *named],
            cwd=self._directory, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        # 1 is a broken contract and a configuration that cannot be used alike; only the first is an answer.
        if done.returncode not in {0, 1} or "Contracts:" not in done.stdout:
            raise AssertionError(f"the contracts could not be checked:\n{done.stdout}{done.stderr}")
        return done.returncode == 0

    def catches(self, id_: str) -> bool:
        """Does the contract notice its planted violation? The copy is as it was afterwards."""
        plant = PLANTS[id_]
        file = self._file(plant.module)
        text = file.read_text()
        try:
            file.write_text(f"{text}\n{plant.line}\n")
            return not self.kept(id_)
        finally:
            file.write_text(text)

    def _file(self, module: str) -> Path:
        path = Path(*module.split("."))
        for source in SOURCES:
            for found in (
                self._directory / source / path.with_suffix(".py"),
                self._directory / source / path / "__init__.py",
            ):
                if found.is_file():
                    return found
        raise AssertionError(f"there is no module {module} to plant a violation in")
