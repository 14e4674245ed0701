"""The images of the local cluster: built from ordinary Dockerfiles, kept as OCI archives under a hash of their inputs.

    python -m guildnet_local.images build [NAME…] | list | ref NAME | sbom NAME | sizes [NAME…] | npm … | clean

Docker builds them where its daemon answers, else buildah on Debian bases made here by mmdebstrap. An image is built
when it is first asked for and again when something it is made of changes. Nothing is pushed anywhere.
"""

import os
from collections.abc import Iterable

from guildnet_local.build.cache import Report
from guildnet_local.images.builder import ImageBuilder
from guildnet_local.images.recipes import RECIPES, USUAL, ImageError, SizeLimitError, recipe
from guildnet_local.images.store import Image
from guildnet_local.settings import cache_directory

__all__ = ["RECIPES", "USUAL", "Image", "ImageError", "SizeLimitError", "ensure"]


def ensure(names: Iterable[str], *, report: Report = print) -> dict[str, Image]:
    """The named images, in the order of the names; those that are not there yet are built, one after the other.

    `report` is given a line at the start and the end of a build and one every ten seconds in between; nothing when all
    is there. Raises ImageError: an unknown name, no builder, a build that fails; UpstreamError: a program that does.
    """
    wanted = [recipe(name) for name in names]
    builder = ImageBuilder(cache_directory(os.environ), report)
    return {one.name: builder.ensure(one) for one in wanted}
