"""Archives of small images, as OCI tools and as docker write them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guildnet_local.images.archive import REF_NAME


def layer(name: str = "hello") -> bytes:
    """An unpacked layer with one empty file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as made:
        made.addfile(tarfile.TarInfo(name))
    return content.getvalue()


def oci(path: Path, *, name: str = "", architecture: str = "amd64") -> str:
    """Write an OCI archive of one image; the digest of its manifest."""
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def kept(content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    config = kept(_config(architecture), "config.v1+json")
    packed = kept(gzip.compress(layer(), mtime=0), "layer.v1.tar+gzip")
    manifest = kept(_json({"schemaVersion": 2, "config": config, "layers": [packed]}), "manifest.v1+json")
    described = {**manifest, **({"annotations": {REF_NAME: name}} if name else {})}
    files["index.json"] = _json({"schemaVersion": 2, "manifests": [described]})
    _write(path, files)
    return str(manifest["digest"])


def docker(path: Path, *names: str, architecture: str = "amd64") -> None:
    """Write what `docker save` wrote before it knew OCI."""
    manifest = [{"Config": "config.json", "RepoTags": list(names) or None, "Layers": ["0/layer.tar"]}]
    _write(
        path, {"config.json": _config(architecture), "0/layer.tar": layer(), "manifest.json": _json(manifest)}
    )  # fmt: skip


def _config(architecture: str) -> bytes:
    unpacked = f"sha256:{hashlib.sha256(layer()).hexdigest()}"
    return _json(
        {"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": [unpacked]}}
    )  # fmt: skip


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
