"""The images of the apps: those of the product, and those made for this proof by the same builder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from guildnet_local import images, plan
from guildnet_local.cluster.containerd import Runtime
from guildnet_local.images.builder import ImageBuilder
from guildnet_local.images.recipes import RECIPES, Recipe
from guildnet_local.settings import cache_directory, load

HERE: Final = "proofs/opened/images"
_BASES: Final = {"BASE": "python", "BUILD_BASE": "build"}


def _python(app: str) -> Recipe:
    inputs = ("requirements/uv.txt", f"{HERE}/{app}")
    return Recipe(f"proof-{app}", f"{HERE}/python.Dockerfile", inputs, _BASES, {"APP": app})


def _debian(app: str, packages: str, alone: str = "", newer: str = "") -> Recipe:
    arguments = {"APP": app, "PACKAGES": packages, "ALONE": alone, "NEWER": newer}
    return Recipe(f"proof-{app}", f"{HERE}/debian.Dockerfile", (f"{HERE}/{app}",), _BASES, arguments)


MADE: Final[Mapping[str, Recipe]] = {
    "marimo": _python("marimo"),
    "streamlit": _python("streamlit"),
    # Debian 13 has no ttyd.
    "ttyd": _debian("ttyd", "ttyd", newer="sid"),
    # The launcher of noVNC's package wants Node.js, and websockify NumPy for speed alone.
    # Two libraries are in the base of builds already, and not in the other.
    "novnc": _debian(
        "novnc",
        "tigervnc-standalone-server xterm",
        "novnc websockify python3-websockify libnettle8t64 libhogweed6t64",
    ),
    "form": Recipe("proof-form", f"{HERE}/form/Dockerfile", (f"{HERE}/form",), {"BASE": "python"}),
}
"""App → its image, where the product has none. Each has the app's name, by which the product knows what it needs."""


def imported(apps: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Builds what is not there yet and brings it into the cluster: (app, the image that a launch names)."""
    settings = load(os.environ)
    runtime, tag = Runtime(settings), plan.chart_version(settings)
    builder = ImageBuilder(cache_directory(os.environ), print)
    for app in apps:
        image = builder.ensure(MADE.get(app) or RECIPES[app])
        wanted = plan.imported(image, tag)
        runtime.add(wanted)
        yield app, wanted.alias.removeprefix("docker.io/")


def built() -> Iterator[images.Image]:
    """The images made for this proof, with or without a cluster."""
    builder = ImageBuilder(cache_directory(os.environ), print)
    for recipe in MADE.values():
        yield builder.ensure(recipe)


if __name__ == "__main__":
    for image in built():
        print(f"{image.ref}  {image.size_bytes / 1e6:.0f} MB")
