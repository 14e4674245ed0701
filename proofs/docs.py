"""Every block of commands of README, examples and docs, in order, on a local cluster made for it.

Each command is typed into a shell of its own, as it stands. What is for a cluster and a registry of the reader's is
asked only, of Helm and the API server; `show-own-cluster` plays the README's. After a page that changes the whole
install `up` puts it back, after any other its Workspaces are deleted. The cluster is gone at the end.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from proofs import Figure
from support.documents import LAST, Block, Command, Place, blocks, in_order, type_in
from support.local import NAMESPACE, ROOT, Local, guildnet_local

OTHERWISE = ("make test", "make down")
"""What plays this proof, or ends its cluster."""
EXAMPLE = "jupyterlab"
"""The Workspace that `up` makes."""
TAIL_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Played:
    """How a block went; `failed` is what was typed and what came of it, empty where all of it succeeded."""

    place: Place
    commands: int = 0
    failed: str = ""


def played(block: Block, home: Path) -> Played:
    """Type its commands in until one fails."""
    if block.place is Place.NOWHERE:
        return Played(block.place)
    todo = [one for one in block.commands if not one.text.startswith(OTHERWISE)]
    for command in todo:
        if failed := _failure(command, home):
            return Played(block.place, len(todo), failed)
    return Played(block.place, len(todo))


def _failure(command: Command, home: Path) -> str:
    try:
        done = type_in(command.tried(), home=home, timeout=900)
    except subprocess.TimeoutExpired:
        return f"$ {command.text}\nhas not ended after 15 minutes"
    return "" if done.returncode == 0 else f"$ {command.text}\n{done.stdout[-TAIL_CHARACTERS:]}"


def _put_back(local: Local, found: list[Block]) -> None:
    others = [name for name in local.kubectl("-n", NAMESPACE, "get", "ws", "-o", "name").split() if EXAMPLE not in name]
    for name in others:
        local.delete_workspace(name.partition("/")[2])
    local.kubectl("-n", NAMESPACE, "delete", "pvc", "--all", "--timeout=60s")
    if any(block.place is Place.FRESH for block in found):
        guildnet_local("up", timeout=600)


def _page(page: Path, home: Path) -> list[Played]:
    found = []
    # What is asked only comes last: the README begins with it, and it needs a cluster to ask.
    for block in sorted(blocks(page), key=lambda block: block.place is Place.OWN):
        began = time.monotonic()
        one = played(block, home)
        how = f"{block.place}: {block.reason}" if block.reason else f"{block.place}, {one.commands} commands"
        told = "FAILED" if one.failed else f"{time.monotonic() - began:.1f} s"
        print(f"  {page.relative_to(ROOT)}:{block.line} ({how}): {told}", flush=True)
        if one.failed:
            print(one.failed, flush=True)
        found.append(one)
    return found


def prove(*, quick: bool = False) -> Figure:
    """The short form plays README and examples."""
    pages = [page for page in in_order() if blocks(page) and not (quick and page.parent.name == "docs")]
    guildnet_local("down", timeout=300)
    found: list[Played] = []
    with TemporaryDirectory() as home:
        try:
            for page in pages:
                found += _page(page, Path(home))
                if page.name != LAST:
                    _put_back(Local(), blocks(page))
        finally:
            guildnet_local("down", timeout=300)
    by_place = Counter(one.place for one in found)
    ran = [one for one in found if one.place in (Place.ANY, Place.FRESH)]
    failures = sum(bool(one.failed) for one in found)
    text = (
        f"{len(ran)} blocks of {len(pages)} pages run ({sum(one.commands for one in ran)} commands), "
        f"{by_place[Place.OWN]} for a cluster of one's own asked in a dry run, {by_place[Place.NOWHERE]} run nowhere: "
        f"{failures} failures"
    )
    return Figure(text, failures == 0 and bool(ran))
