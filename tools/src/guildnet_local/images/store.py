"""Where built images are kept: `$XDG_CACHE_HOME/guildnet/images/NAME-KEY.tar`, with what is known of each beside it.

NAME-KEY.json says how large it is, NAME-KEY.cdx.json which packages are in it.

An archive appears by one rename, so it is whole or not there. The newest two of a name stay: the current one, and the
one that another checkout or branch may be on.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

MAX_KEPT_BUILDS = 2


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is there. `ref` is its name in the archive and, once imported, in a node's store."""

    name: str
    key: str
    ref: str
    archive: Path
    # Sum of the layers, uncompressed, in bytes.
    size_bytes: int
    # How long its build took.
    seconds: float


def reference(name: str, key: str) -> str:
    """The image reference of a build: never `latest`, so that a node takes what it has."""
    return f"localhost/guildnet/{name}:dev-{key}"


class Store:
    """The archives of one cache directory."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.directory = cache / "images"
        self.directory.mkdir(parents=True, exist_ok=True)

    def archive(self, name: str, key: str) -> Path:
        return self.directory / f"{name}-{key}.tar"

    def _facts(self, name: str, key: str) -> Path:
        return self.directory / f"{name}-{key}.json"

    def find(self, name: str, key: str) -> Image | None:
        """The image if it is there whole; marks it as used."""
        archive, facts = self.archive(name, key), self._facts(name, key)
        if not (archive.is_file() and facts.is_file()):
            return None
        os.utime(archive)
        known = json.loads(facts.read_text())
        return Image(name, key, reference(name, key), archive, int(known["size_bytes"]), float(known["seconds"]))

    def bill(self, name: str, key: str) -> Path:
        """Where the bill of materials of a build is."""
        return self.directory / f"{name}-{key}.cdx.json"

    def put(self, image: Image, archive: Path) -> None:
        """Take over the finished `archive` as the image's."""
        known = {name: value for name, value in asdict(image).items() if name in {"ref", "size_bytes", "seconds"}}
        written = archive.with_suffix(".json")
        written.write_text(json.dumps(known) + "\n")
        written.rename(self._facts(image.name, image.key))
        archive.rename(image.archive)

    def kept(self, name: str) -> list[Image]:
        """All builds of a name, the one used last first."""
        # The key's length tells `pause-KEY` from a longer name that begins alike.
        archives = [path for path in self.directory.glob(f"{name}-*.tar") if len(path.stem) == len(name) + 13]
        archives.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        found = []
        for path in archives:
            facts, key = path.with_suffix(".json"), path.stem[-12:]
            if facts.is_file():
                known = json.loads(facts.read_text())
                found.append(
                    Image(name, key, reference(name, key), path, int(known["size_bytes"]), float(known["seconds"]))
                )
        return found

    def forget_stale(self, name: str) -> list[Image]:
        """Remove all but the newest builds of a name; the answer is what went."""
        stale = self.kept(name)[MAX_KEPT_BUILDS:]
        for image in stale:
            image.archive.unlink(missing_ok=True)
            self._facts(image.name, image.key).unlink(missing_ok=True)
            self.bill(image.name, image.key).unlink(missing_ok=True)
        return stale
