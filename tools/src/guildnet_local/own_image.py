"""`load`: an image of a person's own into the local cluster, and which reference means it there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from guildnet_local import publish, up
from guildnet_local.build.runner import Command, Progress, run
from guildnet_local.cluster.containerd import Runtime
from guildnet_local.loading.source import Source, architecture, find, short, whole_name
from guildnet_local.machine.lock import held
from guildnet_local.registry.push import MISSING, Output
from guildnet_local.settings import LocalError, Settings

Report = Callable[[str], None]


def load(settings: Settings, environ: Mapping[str, str], report: Report) -> str:
    """The reference of the image that IMAGE names, once the local cluster has it; LOAD_AS gives it another name.

    Raises LocalError: no cluster, no such image, an archive that is none, an image for another processor.
    """
    wanted = environ.get("IMAGE", "")
    if not wanted:
        raise LocalError("say which: make load IMAGE=my-app:1 (of docker, podman or buildah), or IMAGE=my-app.tar")
    if not settings.containerd_socket.exists():
        raise LocalError("no local cluster runs: `make up` makes one")
    if shutil.which("skopeo") is None:
        raise LocalError(MISSING)
    source = find(wanted)
    name = whole_name(source, environ.get("LOAD_AS", ""), Path(wanted).name.split(".")[0])
    with tempfile.TemporaryDirectory(prefix=".load-", dir=_scratch(settings)) as made:
        archive = Path(made) / "image.tar"
        _write(_in_a_file(source, Path(made), report), name, archive, report)
        if (found := architecture(archive)) != (own := publish.architecture()):
            raise LocalError(
                f"{wanted} is for {found or 'an unknown processor'}, and this node is {own}: build it for {own}"
            )
        with held(settings.lock, up.holder(settings, "load"), report):
            Runtime(settings).load(name, archive)
    return short(name)


def _scratch(settings: Settings) -> Path:
    """Beside the other archives: an image may be larger than what /tmp has."""
    directory = settings.cache / "images"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _in_a_file(source: Source, directory: Path, report: Report) -> Source:
    """The image where skopeo can read it: what docker's daemon has is written out first."""
    if source.kept_by != "docker":
        return source
    file = directory / "saved.tar"
    _run(["docker", "save", "--output", str(file), source.name], "docker save", report)
    return Source(f"docker-archive:{file}", source.name, "")


def _write(source: Source, name: str, archive: Path, report: Report) -> None:
    """An archive of the image under that name, its layers unpacked as containerd will unpack them anyway."""
    command = ["skopeo", "--insecure-policy", "copy", source.transport, f"docker-archive:{archive}:{name}"]
    _run(command, name, report)


def _run(command: list[str], what: str, report: Report) -> None:
    output = Output()
    code = run(Command(command, dict(os.environ)), output.take, Progress(what, report), lambda: output.last)
    if code != 0:
        raise LocalError(f"{' '.join(command[:2])}: {output.problem or output.last}")
