"""The commands that README, docs and examples tell a person to type, and how a test may try each on the local cluster.

A page's commands are the lines behind `$ ` of its ```console blocks; an example's are those behind `#   ` of its head.
A line that ends in a backslash goes on in the next. Comments behind a command are the shell's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.local import ROOT

_CONSOLE: Final = re.compile(r"^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_YAML: Final = re.compile(r"^```yaml\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^##? (?P<text>.+)$", re.MULTILINE)
_IN_AN_EXAMPLE: Final = re.compile(r"^#   (?P<text>.*)$", re.MULTILINE)
_APPLIED: Final = re.compile(r"examples/(?P<name>[a-z-]+)\.yaml")

ELSEWHERE: Final = "On your own cluster"
"""Heading of the commands that are for an empty cluster and a registry; `make show-own-cluster` runs them."""
OF_ANOTHER_CLUSTER: Final = ("private-image", "web-app-tls", "team-capability")
"""Examples that cannot run here, or would close a namespace that is in use: the API server is only asked."""
OF_THE_RING: Final = ("make up", "make test", "make down")
"""What brings the ring about or ends it, and so is not run by it. (A dry run of make would run some of it.)"""


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


# helm install → what would be installed; the rest is decided by the API server, and not done. What `make images` writes
# is not there: the example that it is made of is.
_ASKED: Final = (
    ("make images ", "make --dry-run images ", " > /dev/null"),
    (
        "helm install guildnet charts/guildnet -n guildnet -f build/images.yaml ",
        "helm template guildnet charts/guildnet ",
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


def commands_under(page: Path, heading: str) -> list[Command]:
    """The commands of the page that stand under this heading."""
    text = page.read_text()
    begin = text.index(f"## {heading}\n")
    end = text.find("\n## ", begin)
    return _in_blocks(text[begin : end if end >= 0 else None])


def commands(page: Path) -> list[Command]:
    text = page.read_text()
    if page.suffix == ".yaml":
        lines = [match["text"] for match in _IN_AN_EXAMPLE.finditer(text)]
        return [Command(one, page.stem in OF_ANOTHER_CLUSTER) for one in _joined(lines)]
    return _in_blocks(text)


def _in_blocks(text: str) -> list[Command]:
    """The commands of the console blocks, each by the heading that it stands under."""
    found = []
    for block in _CONSOLE.finditer(text):
        heading = [match["text"] for match in _HEADING.finditer(text, 0, block.start())][-1:]
        lines = [line.removeprefix("$ ") for line in block["body"].splitlines()]
        found += [Command(one, heading == [ELSEWHERE]) for one in _joined(lines)]
    return found


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
