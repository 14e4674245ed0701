"""Images into containerd: imported when it does not have them yet, and known under the names the examples use."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from guildnet_local.settings import LocalError, Settings

NAMESPACE = "k8s.io"
_OURS = re.compile(r"docker\.io/guildnet/(?P<name>[a-z0-9-]+):.+")


@dataclass(frozen=True, slots=True)
class Imported:
    """An image to be had in the cluster: its archive, its name there, and a second name that stays the same."""

    name: str
    ref: str
    archive: Path
    alias: str


def aliases(name: str, version: str) -> str:
    """The name that the chart's defaults and the examples use, as containerd spells it."""
    return "docker.io/guildnet/pause:local" if name == "pause" else f"docker.io/guildnet/{name}:{version}"


def parse_list(text: str) -> dict[str, str]:
    """Name → digest, out of `ctr image list`: columns, the first a heading."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


class Runtime:
    """containerd of the cluster."""

    def __init__(self, settings: Settings) -> None:
        self._socket = settings.containerd_socket

    def _ctr(self, *arguments: str, seconds: float = 300) -> str:
        command = ["ctr", f"--address={self._socket}", f"--namespace={NAMESPACE}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        if done.returncode != 0:
            raise LocalError(f"ctr {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def images(self) -> dict[str, str]:
        return parse_list(self._ctr("image", "list"))

    def names(self) -> set[str]:
        """The names of our images that are known under the name that the examples use."""
        found = (_OURS.fullmatch(name) for name in self.images())
        return {match["name"] for match in found if match}

    def load(self, name: str, archive: Path) -> None:
        """Import the image of an archive, which has that name in it, also where there is one of the name already."""
        self._ctr("image", "import", str(archive))
        if name not in self.images():
            raise LocalError(f"{archive} does not hold {name}")

    def add(self, image: Imported) -> bool:
        """Import it unless it is there; true when it was imported.

        The second name is given last and so tells a whole import from one that was cut short.
        """
        present = self.images()
        digest = present.get(image.ref)
        if digest is not None and present.get(image.alias) == digest:
            return False
        self._ctr("image", "import", str(image.archive))
        if image.ref not in self.images():
            raise LocalError(f"{image.archive} does not hold {image.ref}; remove the file and run `make up` again")
        self._ctr("image", "tag", "--force", image.ref, image.alias)
        return True
