"""How large every image is, and what the services' images hold that no import of theirs reaches."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from guildnet_local.images import RECIPES, Image, SizeLimitError, ensure
from guildnet_local.images.archive import read
from guildnet_local.images.store import Store
from guildnet_local.settings import cache_directory
from proofs import Figure
from proofs.contents.reach import Unreached, unreached

SERVICES: Final = ("api", "proxy", "operator")
OTHERS: Final = ("valkey", "tailscale", "jupyterlab")
IF_BUILT: Final = ("code-server",)
LIMIT_BYTES: Final = 150_000_000
LISTED: Final = 10
_SITE_PACKAGES: Final = re.compile(r"opt/guildnet/lib/python3\.\d+/site-packages/")


def prove() -> Figure:
    """Met when the image of each service has at most LIMIT_BYTES uncompressed."""
    try:
        images = ensure((*SERVICES, *OTHERS))
    except SizeLimitError as error:  # a build refuses what is above its own limit
        return Figure(str(error), met=False)
    store = Store(cache_directory(os.environ))
    images |= {name: kept[0] for name in IF_BUILT if (kept := store.kept(name))}
    print(f"  {'image':<14}{'uncompressed':>14}{'compressed':>14}")
    sizes: dict[str, int] = {}
    for name in RECIPES:
        if name in images:
            facts = read(images[name].archive)
            sizes[name] = facts.size
            print(f"  {name:<14}{_megabytes(facts.size):>14}{_megabytes(facts.packed):>14}")
    for name in SERVICES:
        show(name, in_vain(images[name]))
    return figure({name: sizes[name] for name in SERVICES})


def figure(sizes: dict[str, int]) -> Figure:
    """The verdict over the services' sizes in bytes."""
    text = ", ".join(f"{name} {_megabytes(size)}" for name, size in sizes.items())
    return Figure(f"{text} (each ≤ {_megabytes(LIMIT_BYTES)})", all(size <= LIMIT_BYTES for size in sizes.values()))


def in_vain(image: Image) -> list[Unreached]:
    """What of a service's site-packages its program cannot import."""
    found = read(image.archive, lambda name: bool(_SITE_PACKAGES.match(name))).files
    packages = {_SITE_PACKAGES.sub("", name): content for name, content in found.items()}
    entry = f"guildnet_{image.name}.__main__"
    if f"{entry.replace('.', '/')}.py" not in packages:
        raise LookupError(f"{Path(image.archive).name} holds no {entry}")
    return unreached(packages, [entry])


def show(name: str, found: list[Unreached]) -> None:
    """The largest of what is there in vain."""
    total = sum(one.size for one in found)
    print(f"  {name}: no import reaches {_megabytes(total)} in {len(found)} places")
    for one in found[:LISTED]:
        print(f"    {one.size / 1e6:>8.2f} MB  {one.name}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
