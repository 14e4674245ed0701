"""The command line of the images; a build that fails is one error text and exit code 1."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence

from guildnet_local.build.programs import UpstreamError
from guildnet_local.build.runner import duration
from guildnet_local.images import RECIPES, USUAL, Image, ImageError, ensure
from guildnet_local.images.archive import read
from guildnet_local.images.builder import ImageBuilder
from guildnet_local.images.host import ca_bundle
from guildnet_local.images.job import megabytes
from guildnet_local.images.node import environment, npm
from guildnet_local.images.store import Store
from guildnet_local.settings import cache_directory


def _table(images: Iterable[Image]) -> Iterable[str]:
    for image in images:
        yield f"{image.name:<24}{megabytes(image.size_bytes):>8}  {duration(image.seconds):>12}  {image.ref}"


def _list() -> Iterable[str]:
    store = Store(cache_directory(os.environ))
    for name in RECIPES:
        kept = store.kept(name)
        yield from _table(kept) if kept else (f"{name:<24}not built",)


def _sizes(names: Sequence[str]) -> Iterable[str]:
    for image in ensure(names, report=_to_stderr).values():
        facts, limit = read(image.archive), RECIPES[image.name].limit_bytes
        within = f", limit {megabytes(limit)}" if limit else ""
        yield f"{image.name:<24}{megabytes(facts.size):>8} in {facts.layers} layers{within}"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guildnet_local.images", description=f"Images: {', '.join(RECIPES)}")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="build what is not there yet").add_argument("name", nargs="*")
    verbs.add_parser("list", help="every build that is kept")
    verbs.add_parser("ref", help="print the reference of an image, building it if need be").add_argument("name")
    verbs.add_parser(
        "sbom", help="print which packages an image holds (CycloneDX), building it if need be"
    ).add_argument("name")
    verbs.add_parser("sizes", help="how large images are unpacked").add_argument("name", nargs="*")
    ours = verbs.add_parser("npm", help="run npm on this environment's Node.js, in the current directory")
    ours.add_argument("arguments", nargs=argparse.REMAINDER)
    verbs.add_parser("clean", help="drop the builder's layers; finished images stay, the next build starts afresh")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    # Ended by a signal, a build tidies up as it does when interrupted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if asked.verb == "build":
            print("\n".join(_table(ensure(asked.name or USUAL, report=_to_stderr).values())))
        elif asked.verb == "ref":
            print(ensure([asked.name], report=_to_stderr)[asked.name].ref)
        elif asked.verb == "sbom":
            image = ensure([asked.name], report=_to_stderr)[asked.name]
            print(Store(cache_directory(os.environ)).bill(image.name, image.key).read_text(), end="")
        elif asked.verb == "sizes":
            print("\n".join(_sizes(asked.name or USUAL)))
        elif asked.verb == "npm":
            return subprocess.run(
                npm(*asked.arguments), env=environment(os.environ, ca_bundle()), check=False
            ).returncode
        elif asked.verb == "list":
            print("\n".join(_list()))
        else:
            ImageBuilder(cache_directory(os.environ), _to_stderr).clean()
    except (ImageError, UpstreamError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
