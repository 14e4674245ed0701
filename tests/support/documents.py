"""The commands that README, docs and examples tell a person to type, and how a test may try each on the local cluster.

A page's commands are the lines behind `$ ` of its ```console blocks, and each ```sh block as a whole; an example's are
those behind `#   ` of its head. A line that ends in a backslash goes on in the next. Comments behind a command are the
shell's. A comment `<!-- run: … -->` before a block says where it runs (`Place`); without one it runs on any local
cluster, and leaves nothing behind but Workspaces.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from support.local import ROOT

_BLOCK: Final = re.compile(
    r"^(?:<!-- run: (?P<mark>[^>\n]*?) -->\n)?```(?P<kind>console|sh)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_YAML: Final = re.compile(r"^```yaml\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^##? (?P<text>.+)$", re.MULTILINE)
_IN_AN_EXAMPLE: Final = re.compile(r"^#   (?P<text>.*)$", re.MULTILINE)
_APPLIED: Final = re.compile(r"examples/(?P<name>[a-z-]+)\.yaml")

ELSEWHERE: Final = "On your own cluster"
"""Heading of the README's commands for a cluster and a registry of one's own; `show-own-cluster` plays them."""
LAST: Final = "operations.md"
"""The page that ends by taking the install away."""
OF_ANOTHER_CLUSTER: Final = ("private-image", "web-app-tls", "team-capability")
"""Examples that cannot run here, or would close a namespace that is in use: the API server is only asked."""
OF_THE_RING: Final = ("make up", "make test", "make down")
"""What brings the ring about or ends it, and so is not run by it. (A dry run of make would run some of it.)"""


class Place(StrEnum):
    """Where the commands of a block can run."""

    ANY = "any cluster"
    FRESH = "fresh cluster"
    """They change the whole install: on a cluster where nobody has anything, such as `make show-docs` makes."""
    OWN = "own cluster"
    """They are for a cluster and a registry of the reader's: the API server and Helm are only asked."""
    NOWHERE = "nowhere"
    """They need something that no test has; the mark says what, behind a comma."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it stands, and how it is tried: `asked` changes nothing, as the cluster is asked in a dry run."""

    text: str
    asked: bool = False

    @property
    def of_the_ring(self) -> bool:
        return self.text.startswith(OF_THE_RING)

    def tried(self) -> str:
        """The command to run. Raises ValueError for one that nobody knows how to ask."""
        if not self.asked:
            return self.text
        for start, instead, more in _ASKED:
            if self.text.startswith(start):
                return instead + self.text.removeprefix(start) + more
        raise ValueError(f"no way to try without effect: {self.text}")


@dataclass(frozen=True, slots=True)
class Block:
    """The commands that stand together from `line` of a page on. `reason` says why they run nowhere."""

    line: int
    place: Place
    commands: tuple[Command, ...]
    reason: str = ""


# helm install → what would be installed; the rest is decided by the API server, and not done. What `make images` writes
# is not there: the example that it is made of is.
_ASKED: Final = (
    ("make images ", "make --dry-run images ", " > /dev/null"),
    (
        "helm install guildnet charts/guildnet -n guildnet -f build/images.yaml ",
        "helm template guildnet charts/guildnet -n guildnet ",
        " > /dev/null",
    ),
    ("kubectl apply -f build/", "kubectl apply -f examples/", " --dry-run=server"),
    ("kubectl -n guildnet-workspaces wait ", "kubectl -n guildnet-workspaces wait ", ""),
    ("kubectl -n guildnet-workspaces get ", "kubectl -n guildnet-workspaces get ", ""),
    ("helm install ", "helm template ", " > /dev/null"),
    ("helm upgrade ", "helm upgrade ", " --dry-run=server > /dev/null"),
    ("kubectl create namespace ", "kubectl create namespace ", " --dry-run=client"),
    ("kubectl ", "kubectl ", " --dry-run=server"),
)


def pages() -> list[Path]:
    """README, every page of the documentation, every example."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.yaml"))]


def in_order() -> list[Path]:
    """The pages as they can be played one after the other."""
    return sorted(pages(), key=lambda page: (page.name == LAST, page.name != "README.md", page.suffix == ".md", page))


def blocks(page: Path) -> list[Block]:
    """The page's blocks of commands, in order. Raises ValueError for a mark that nobody knows."""
    text = page.read_text()
    if page.suffix == ".yaml":
        lines = [match["text"] for match in _IN_AN_EXAMPLE.finditer(text)]
        place = Place.OWN if page.stem in OF_ANOTHER_CLUSTER else Place.ANY
        found = tuple(Command(one, place is Place.OWN) for one in _joined(lines))
        return [Block(1, place, found)] if found else []
    return [_block(text, match) for match in _BLOCK.finditer(text)]


def _block(text: str, match: re.Match[str]) -> Block:
    heading = [found["text"] for found in _HEADING.finditer(text, 0, match.start())][-1:]
    mark, _, reason = (match["mark"] or (Place.OWN if heading == [ELSEWHERE] else Place.ANY)).partition(", ")
    place = Place(mark)
    if (place is Place.NOWHERE) != bool(reason):
        raise ValueError(f"a reason belongs to {Place.NOWHERE} alone, and always: {match['mark']}")
    lines = match["body"].rstrip("\n").split("\n")
    found = ["\n".join(lines)] if match["kind"] == "sh" else _joined([line.removeprefix("$ ") for line in lines])
    line = text.count("\n", 0, match.start("body")) + 1
    return Block(line, place, tuple(Command(one, place is Place.OWN) for one in found), reason)


def commands_under(page: Path, heading: str) -> list[Command]:
    """The commands of the page that stand under this heading. Raises ValueError where there is no such heading."""
    text = page.read_text()
    begin = text.index(f"## {heading}\n")
    end = text.find("\n## ", begin)
    found = [_block(text, match) for match in _BLOCK.finditer(text, begin, end if end >= 0 else len(text))]
    return [one for block in found for one in block.commands]


def commands(page: Path) -> list[Command]:
    """The page's commands that can be tried on any local cluster, in order."""
    return [one for block in blocks(page) if block.place in (Place.ANY, Place.OWN) for one in block.commands]


def _joined(lines: list[str]) -> Iterator[str]:
    text = ""
    for line in lines:
        text += line if not text else f"\n{line}"
        if not text.endswith("\\"):
            yield text
            text = ""


def manifests(page: Path) -> list[str]:
    """The YAML blocks of a page."""
    return [block["body"] for block in _YAML.finditer(page.read_text())] if page.suffix == ".md" else []


def applied(found: list[Command]) -> set[str]:
    """The examples that the commands apply, by name, which is also the Workspace's."""
    return {match["name"] for one in found if not one.asked for match in _APPLIED.finditer(one.text)}


def renamed(text: str, names: Mapping[str, str], directory: Path) -> str:
    """The command for Workspaces of other names, whose examples are in `directory`: the names here are somebody's."""
    for name, other in names.items():
        text = text.replace(f"examples/{name}.yaml", f"{directory}/{other}.yaml")
        text = re.sub(rf"(?<=ws/){name}\b|\b{name}(?=-password\b|-storage\b)", other, text)
    return text


def environment(home: Path | None = None) -> dict[str, str]:
    """A shell as a person has it: this make's own variables are not theirs, and kubectl is the one the README names.

    With another `home` what is built stays in the cache of this one.
    """
    mine = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    if home is not None:
        mine = {"XDG_CACHE_HOME": str(Path.home() / ".cache"), **mine, "HOME": str(home)}
    return {**mine, "PATH": f"{Path(sys.executable).parent}:{mine['PATH']}"}


def type_in(text: str, *, home: Path | None = None, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run one command, or one whole block, in a shell of its own; what it says on both channels is `stdout`."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=ROOT, env=environment(home), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
    )  # fmt: skip
