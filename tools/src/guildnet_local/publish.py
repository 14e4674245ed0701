"""`images`: builds what an install needs, pushes it to a registry, and writes down what the chart has to be told."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guildnet_local import images, plan
from guildnet_local.build.go import find_go
from guildnet_local.build.pins import UpstreamError
from guildnet_local.registry import login, place, probe, push
from guildnet_local.registry.push import Pushed
from guildnet_local.registry.values import example, values
from guildnet_local.release import rollout
from guildnet_local.settings import RELEASE, RELEASE_NAMESPACE, LocalError, Settings

Report = Callable[[str], None]
# Quick to build and small first, so that a registry that takes nothing is met early.
PUBLISHED = ("operator", "api", "proxy", "valkey", "tailscale", "jupyterlab", "code-server")
# Made of programs that Go compiles; without Go the chart's own choice is used.
COMPILED = frozenset({"tailscale"})
# Machine's word → Kubernetes' (and the image's).
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Published:
    """What was pushed, and the files that say so."""

    pushed: tuple[Pushed, ...]
    values: dict[str, Any]
    manifest: dict[str, Any]
    values_file: Path
    manifest_file: Path


def publish(settings: Settings, environ: Mapping[str, str], report: Report) -> Published:
    """Build the images and push them to the registry that REGISTRY names; IMAGES says which, all where it is empty.

    Raises LocalError: a registry that is not named, does not answer or takes nothing; ImageError: an image that cannot
    be built.
    """
    where = place.parse_place(environ, plan.chart_version(settings))
    names = wanted(environ, report)
    if shutil.which("skopeo") is None:
        raise LocalError(push.MISSING)
    who = login.find(where.host, environ)
    probe.check(where, who)
    report(f"pushing to {where}, for {architecture()} nodes" + (", by http without TLS" if where.plain else ""))
    pusher = push.Pusher(where, who, report)
    pushed = []
    for name in names:
        built = images.ensure([name], report=report)[name]
        pushed.append(pusher.push(name, built.archive))
        report(f"pushed {pushed[-1].tagged}")
    return _written(settings, pushed)


def wanted(environ: Mapping[str, str], report: Report) -> tuple[str, ...]:
    """The images to push, in the order in which that is done. Raises LocalError for one that is not among them."""
    asked = environ.get("IMAGES", "").split()
    if unknown := sorted({*asked} - {*PUBLISHED}):
        raise LocalError(f"IMAGES names {', '.join(unknown)}: there are {', '.join(PUBLISHED)}")
    if asked:
        return tuple(name for name in PUBLISHED if name in asked)
    try:
        find_go(environ)
    except UpstreamError as problem:
        report(f"without {', '.join(sorted(COMPILED))}, which the chart takes from its makers: {problem}")
        return tuple(name for name in PUBLISHED if name not in COMPILED)
    return PUBLISHED


def architecture() -> str:
    """What the images run on: what they are built on."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def _written(settings: Settings, pushed: Sequence[Pushed]) -> Published:
    """Put the files below `build` of the checkout."""
    presets = yaml.safe_load((settings.chart / "values.yaml").read_text())["presets"]
    manifest = yaml.safe_load((settings.checkout / rollout.EXAMPLE).read_text())
    directory = settings.checkout / "build"
    found = Published(
        tuple(pushed), values(pushed, presets), example(manifest, pushed),
        directory / "images.yaml", directory / rollout.EXAMPLE.name,
    )  # fmt: skip
    directory.mkdir(exist_ok=True)
    head = f"# Images of {pushed[0].place}, written by `make images`: values for the chart in charts/guildnet.\n"
    found.values_file.write_text(head + yaml.safe_dump(found.values, sort_keys=False))
    found.manifest_file.write_text(yaml.safe_dump(found.manifest, sort_keys=False))
    return found


def what_next(published: Published, checkout: Path) -> Iterable[str]:
    """Every image as the registry has it, then how to install with them."""
    for one in published.pushed:
        yield f"{one.tagged}@{one.digest}"
    file = published.values_file.relative_to(checkout)
    yield f"install with: helm install {RELEASE} charts/guildnet -n {RELEASE_NAMESPACE} --create-namespace -f {file}"
    if any(one.name == "jupyterlab" for one in published.pushed):
        yield f"launch with:  kubectl apply -f {published.manifest_file.relative_to(checkout)}"
