"""Where an image of a person's own is: an archive, or the store of docker, podman or buildah. And what it is called."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guildnet.image import Reference, parse
from guildnet_local.images.archive import CONTAINERD_NAME, REF_NAME
from guildnet_local.settings import LocalError

# A tag that says nothing about the content makes a kubelet pull at each start, and there is nowhere to pull from.
_MOVING, _FIXED = "latest", "local"
_ASK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Source:
    """An image: how skopeo is told where it is, and its name there, which is empty for an archive without one."""

    transport: str
    name: str
    kept_by: str
    """`docker` has to write it into an archive first: its daemon is asked by its own client."""


def find(text: str) -> Source:
    """The image that a path or a name means. Raises LocalError saying where it was looked for."""
    path = Path(text).expanduser()
    if path.is_file():
        return of_archive(path.absolute())
    if path.is_dir():
        raise LocalError(
            f"IMAGE is {text!r}: a directory; name an archive (docker save, buildah push oci-archive:FILE)"
        )
    if text.startswith(("/", ".", "~")) or text.endswith((".tar", ".tar.gz", ".tgz")):
        raise LocalError(f"IMAGE is {text!r}: there is no such file")
    if parse(text) is None:
        raise LocalError(f"IMAGE is {text!r}: neither a file nor a name of an image, such as my-app:1")
    if _succeeds("docker", "image", "inspect", text):
        return Source(f"docker-archive:{text}", text, "docker")
    if _succeeds("skopeo", "--insecure-policy", "inspect", "--raw", f"containers-storage:{text}"):
        return Source(f"containers-storage:{text}", text, "podman or buildah")
    raise LocalError(
        f"no image {text!r} on this machine: neither docker nor the store of podman and buildah has one. Build or pull "
        "it, or name an archive: make load IMAGE=app.tar"
    )


def of_archive(path: Path) -> Source:
    """The one image of an archive as docker or an OCI tool writes it. Raises LocalError for any other file."""
    try:
        with tarfile.open(path) as archive:
            names = {name.removeprefix("./") for name in archive.getnames()}
            if "manifest.json" in names:
                tags = _document(archive, "manifest.json")[0].get("RepoTags") or [""]
                return Source(f"docker-archive:{path}", tags[0], "")
            if "index.json" in names:
                notes = _document(archive, "index.json")["manifests"][0].get("annotations", {})
                return Source(f"oci-archive:{path}", notes.get(CONTAINERD_NAME) or notes.get(REF_NAME, ""), "")
    except (tarfile.TarError, ValueError, LookupError, TypeError, EOFError) as problem:
        raise LocalError(f"{path} is not an archive of an image: {problem}") from problem
    raise LocalError(f"{path} is not an archive of an image: it has neither manifest.json nor index.json")


def _document(archive: tarfile.TarFile, name: str) -> Any:
    member = next(one for one in archive.getmembers() if one.name.removeprefix("./") == name)
    stream = archive.extractfile(member)
    return json.load(stream) if stream else None


def architecture(path: Path) -> str:
    """What the image of an archive that docker or skopeo wrote runs on, such as `amd64`; empty where it is not said."""
    with tarfile.open(path) as archive:
        return str(_document(archive, _document(archive, "manifest.json")[0]["Config"]).get("architecture", ""))


def whole_name(source: Source, wanted: str, fallback: str) -> str:
    """The name that the cluster is to know the image by, as containerd spells it. Raises LocalError for a wrong one.

    `wanted` goes before the image's own; the tag `latest` becomes `local`. An archive without a name, or with a tag
    alone, is called `fallback`.
    """
    if wanted and parse(wanted) is None:
        raise LocalError(f"LOAD_AS is {wanted!r}: it has to be a name of an image, such as my-app:1")
    given = wanted or (source.name if "/" in source.name or ":" in source.name or source.kept_by else "")
    named = parse(given) if given else None
    if named is None:
        stem = re.sub(r"[^a-z0-9]+", "-", fallback.lower()).strip("-") or "image"
        named = Reference(("docker.io", "library", stem), source.name if _is_tag(source.name) else _MOVING)
    tag = _FIXED if named.tag in ("", _MOVING) else named.tag
    return f"{'/'.join(named.segments)}:{tag}"


def _is_tag(text: str) -> bool:
    return bool(re.fullmatch(r"[\w][\w.-]{0,127}", text, re.ASCII))


def short(name: str) -> str:
    """The name as a person writes it in a Workspace."""
    return name.removeprefix("docker.io/library/").removeprefix("docker.io/")


def _succeeds(*command: str) -> bool:
    try:
        return _run(command).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_ASK_SECONDS
    )  # fmt: skip
