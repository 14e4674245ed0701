"""An image's files are written below a directory as its layers have them, the upper one last."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from guildnet_local.images import archive


def layer_of(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as out:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    return written.getvalue()


def image_of(path: Path, *layers: Mapping[str, bytes]) -> Path:
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    written = [blob(layer_of(layer), "layer.v1.tar") for layer in layers]
    manifest = blob(
        json.dumps({"config": blob(b"{}", "config.v1+json"), "layers": written}).encode(), "manifest.v1+json"
    )
    with tarfile.open(path, "w") as out:
        for name, data in {**blobs, "index.json": json.dumps({"manifests": [manifest]}).encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return path


def found(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_upper_layer_wins(tmp_path: Path):
    image = image_of(tmp_path / "image.tar", {"etc/a": b"old", "etc/b": b"b"}, {"etc/a": b"new"})
    archive.unpack(image, tmp_path / "root")
    assert found(tmp_path / "root") == {"etc/a": b"new", "etc/b": b"b"}


def test_what_an_upper_layer_removes_is_not_there(tmp_path: Path):
    image = image_of(
        tmp_path / "image.tar", {"etc/a": b"a", "etc/b": b"b", "lib/x/y": b"y"}, {"etc/.wh.a": b"", ".wh.lib": b""}
    )
    archive.unpack(image, tmp_path / "root")
    assert found(tmp_path / "root") == {"etc/b": b"b"}


def test_an_opaque_directory_has_only_what_the_upper_layer_writes_after_it(tmp_path: Path):
    upper = {"lib/.wh..wh..opq": b"", "lib/new": b"n"}
    image = image_of(tmp_path / "image.tar", {"lib/a": b"a", "lib/x/y": b"y"}, upper)
    archive.unpack(image, tmp_path / "root")
    assert found(tmp_path / "root") == {"lib/new": b"n"}
