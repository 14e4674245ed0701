"""Which image `make load` means, and what the cluster knows it by."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local import own_image
from guildnet_local.loading.source import Source, architecture, find, of_archive, short, whole_name
from guildnet_local.settings import LocalError, load
from support.archives import docker, oci


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose docker and skopeo know an image when a file of its name is there."""
    place = tmp_path / "stores"
    for program, argument in (("docker", "$3"), ("skopeo", "${4#containers-storage:}")):
        (place / program).mkdir(parents=True)
        path = tmp_path / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec test -e "{place}/{program}/{argument}"\n')
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return place


def test_a_name_is_looked_for_in_docker_first(stores: Path):
    (stores / "docker" / "app:1").touch()
    (stores / "skopeo" / "app:1").touch()
    assert find("app:1").kept_by == "docker"


def test_a_name_that_docker_does_not_know_is_podmans_or_buildahs(stores: Path):
    (stores / "skopeo" / "app:1").touch()
    assert find("app:1") == Source("containers-storage:app:1", "app:1", "podman or buildah")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("app:1", "neither docker nor the store of podman and buildah"),
        ("App:1", "neither a file nor a name"),
        ("app.tar", "there is no such file"),
        ("./app", "there is no such file"),
        ("/usr", "a directory"),
    ],
)
def test_what_is_nowhere_is_told(stores: Path, text: str, said: str):
    with pytest.raises(LocalError, match=said):
        find(text)


def test_an_archive_is_taken_by_what_is_in_it(tmp_path: Path):
    oci(tmp_path / "a.tar", name="localhost/app:2")
    docker(tmp_path / "b.tar", "app:3", architecture="arm64")
    docker(tmp_path / "c.tar")
    assert of_archive(tmp_path / "a.tar") == Source(f"oci-archive:{tmp_path}/a.tar", "localhost/app:2", "")
    assert of_archive(tmp_path / "b.tar") == Source(f"docker-archive:{tmp_path}/b.tar", "app:3", "")
    assert of_archive(tmp_path / "c.tar").name == ""
    assert architecture(tmp_path / "b.tar") == "arm64"


def test_a_file_that_is_no_image_is_told(tmp_path: Path):
    (tmp_path / "text.tar").write_text("no archive")
    with pytest.raises(LocalError, match=r"text\.tar is not an archive of an image"):
        of_archive(tmp_path / "text.tar")


@pytest.mark.parametrize(
    ("name", "wanted", "whole", "written"),
    [
        ("app:1", "", "docker.io/library/app:1", "app:1"),
        ("team/app", "", "docker.io/team/app:local", "team/app:local"),
        ("app:latest", "", "docker.io/library/app:local", "app:local"),
        ("r.example:5000/app:1", "", "r.example:5000/app:1", "r.example:5000/app:1"),
        (f"r.example/app@sha256:{'ab' * 32}", "", "r.example/app:local", "r.example/app:local"),
        ("app:1", "other:2", "docker.io/library/other:2", "other:2"),
        ("", "", "docker.io/library/my-file:local", "my-file:local"),
        ("1.0", "", "docker.io/library/my-file:1.0", "my-file:1.0"),
    ],
)
def test_the_cluster_knows_it_by_a_name_that_nothing_is_pulled_for(name: str, wanted: str, whole: str, written: str):
    """`latest` would be pulled at each start."""
    assert whole_name(Source("oci-archive:x", name, ""), wanted, "My_File") == whole
    assert short(whole) == written


def test_a_name_of_ones_own_that_is_none_is_told():
    with pytest.raises(LocalError, match="LOAD_AS is 'A B'"):
        whole_name(Source("x", "app:1", ""), "A B", "x")


def test_nothing_named_and_no_cluster_are_told(tmp_path: Path):
    settings = load({"HOME": str(tmp_path)})
    with pytest.raises(LocalError, match="say which: make load IMAGE="):
        own_image.load(settings, {}, print)
