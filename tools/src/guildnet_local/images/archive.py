"""Reading an image archive, an OCI layout as buildah and docker write it: its name, how large it is, what is in it."""

import gzip
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from guildnet_local.images.recipes import ImageError

REF_NAME = "org.opencontainers.image.ref.name"
# Docker writes the whole reference here and only the tag into REF_NAME.
CONTAINERD_NAME = "io.containerd.image.name"
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an archive says. `size` is the sum of its layers uncompressed, `packed` as they stand in it, in bytes.

    `files` are those that were asked for, as the topmost layer has them. One that an upper layer removes is still among
    them: it takes its place in the image all the same.
    """

    name: str
    size: int
    packed: int
    layers: int
    config: Mapping[str, Any]
    files: Mapping[str, bytes]


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        stream = archive.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise ImageError(f"{archive.name!s} is not an OCI archive: it has no {name}")
    return stream


def _document(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    with _member(archive, name) as stream:
        found: dict[str, Any] = json.load(stream)
    return found


def _blob(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def _layer(
    archive: tarfile.TarFile, layer: Mapping[str, Any], wanted: Callable[[str], bool] | None
) -> tuple[int, dict[str, bytes]]:
    """A layer's size uncompressed, and its regular files that are wanted; read once, for that is what takes time."""
    with _member(archive, _blob(layer["digest"])) as packed:
        stream = gzip.GzipFile(fileobj=packed) if str(layer["mediaType"]).endswith("gzip") else packed
        found = _files(stream, wanted) if wanted else {}
        return stream.seek(0, os.SEEK_END), found


def _files(layer: IO[bytes] | gzip.GzipFile, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=layer, mode="r:") as content:
        for member in content:
            name = member.name.removeprefix("./")
            if member.isfile() and wanted(name) and (stream := content.extractfile(member)):
                found[name] = stream.read()
    return found


def _manifest(archive: tarfile.TarFile, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The descriptor of the archive's one image, and its manifest."""
    index = _document(archive, "index.json")
    if len(index["manifests"]) != 1:
        raise ImageError(f"{path} holds {len(index['manifests'])} images, not one")
    descriptor = index["manifests"][0]
    manifest = _document(archive, _blob(descriptor["digest"]))
    if "manifests" in manifest:
        manifest = _document(archive, _blob(manifest["manifests"][0]["digest"]))
    return descriptor, manifest


def read(path: Path, wanted: Callable[[str], bool] | None = None) -> Facts:
    """What the archive at `path` holds, with the regular files whose path (relative to the root) is wanted.

    Raises ImageError when it is not an OCI archive of one image.
    """
    size, files = 0, dict[str, bytes]()
    with tarfile.open(path) as archive:
        descriptor, manifest = _manifest(archive, path)
        config = _document(archive, _blob(manifest["config"]["digest"]))
        for layer in manifest["layers"]:
            unpacked, found = _layer(archive, layer, wanted)
            size += unpacked
            files |= found
    packed = sum(int(layer["size"]) for layer in manifest["layers"])
    annotations = descriptor.get("annotations", {})
    name = annotations.get(CONTAINERD_NAME) or annotations.get(REF_NAME, "")
    return Facts(name, size, packed, len(manifest["layers"]), config, files)


def unpack(path: Path, root: Path) -> None:
    """Write the image's files below `root`, layer by layer, with what an upper layer removes removed.

    Raises ImageError when it is not an OCI archive of one image. Source: the OCI image layer specification.
    """
    with tarfile.open(path) as archive:
        for layer in _manifest(archive, path)[1]["layers"]:
            with _member(archive, _blob(layer["digest"])) as blob, tarfile.open(fileobj=blob) as content:
                for member in content:
                    if not _removes(root, member.name):
                        content.extract(member, root, filter="tar")


def _removes(root: Path, name: str) -> bool:
    """Whether this entry is a whiteout: then what it names below `root` is removed."""
    place = root / name
    if not place.name.startswith(_WHITEOUT):
        return False
    gone = list(place.parent.iterdir()) if place.name == _OPAQUE else [place.parent / place.name[len(_WHITEOUT) :]]
    for one in gone:
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink(missing_ok=True)
    return True
