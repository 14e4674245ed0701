"""Images of a person's own, through the real skopeo: renamed, whoever wrote the archive, told where they cannot run."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from guildnet_local import own_image, publish
from guildnet_local.loading.source import architecture, of_archive
from guildnet_local.settings import LocalError, Settings, load
from support.archives import docker, oci


class Runtime:
    """A containerd that keeps the names it was given."""

    loaded: list[str] = []

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def load(self, name: str, archive: Path) -> None:
        with tarfile.open(archive) as file:
            manifest = file.extractfile("manifest.json")
            assert manifest is not None
            assert json.load(manifest)[0]["RepoTags"] == [name]
        self.loaded.append(name)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A cluster of which nothing but the socket's place is there."""
    found = replace(load({"HOME": str(tmp_path)}), run=tmp_path / "run", lock=tmp_path / "lock")
    found.containerd_socket.parent.mkdir(parents=True)
    found.containerd_socket.touch()
    monkeypatch.setattr(own_image, "Runtime", Runtime)
    monkeypatch.setattr(publish, "architecture", lambda: "amd64")
    monkeypatch.setattr(Runtime, "loaded", [])
    return found


@pytest.mark.parametrize("write", [docker, lambda path, name: oci(path, name=name)], ids=["docker", "oci"])
def test_an_archive_is_loaded_under_the_name_that_is_told(settings: Settings, tmp_path: Path, write):
    write(tmp_path / "a.tar", "my/app:latest")
    assert own_image.load(settings, {"IMAGE": str(tmp_path / "a.tar")}, print) == "my/app:local"
    assert own_image.load(settings, {"IMAGE": str(tmp_path / "a.tar"), "LOAD_AS": "other:1"}, print) == "other:1"
    assert Runtime.loaded == ["docker.io/my/app:local", "docker.io/library/other:1"]


def test_an_image_for_another_processor_is_told_and_not_loaded(settings: Settings, tmp_path: Path):
    docker(tmp_path / "a.tar", "app:1", architecture="arm64")
    assert architecture(tmp_path / "a.tar") == "arm64"
    with pytest.raises(LocalError, match="is for arm64, and this node is amd64"):
        own_image.load(settings, {"IMAGE": str(tmp_path / "a.tar")}, print)
    assert Runtime.loaded == []


def test_what_skopeo_cannot_read_is_told_in_its_words(settings: Settings, tmp_path: Path):
    path = tmp_path / "a.tar"
    oci(path, name="app:1")
    with tarfile.open(path) as whole:
        kept = [(one, whole.extractfile(one).read()) for one in whole.getmembers() if "blobs" not in one.name]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as cut:
        for member, content in kept:
            cut.addfile(member, io.BytesIO(content))
    assert of_archive(path).name == "app:1"
    with pytest.raises(LocalError, match=r"skopeo --insecure-policy: .*no such file"):
        own_image.load(settings, {"IMAGE": str(path)}, print)
    assert [*(settings.cache / "images").iterdir()] == [], "nothing half made is left"
