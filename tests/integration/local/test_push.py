"""Pushing to a real registry: what it is asked before, what it has afterwards, and what it says when it refuses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from guildnet_local import images, publish
from guildnet_local.images import Image
from guildnet_local.registry import probe
from guildnet_local.registry.login import Login
from guildnet_local.registry.place import Place, parse_place
from guildnet_local.registry.push import Pusher
from guildnet_local.settings import LocalError, load
from support.archives import oci
from support.registry import PASSWORD, Registry

ALICE = Login("alice", PASSWORD, "REGISTRY_USER")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path / "open")
    yield made
    made.stop()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Registry]:
    """A registry that only Alice may use."""
    made = Registry(tmp_path / "closed", user="alice")
    yield made
    made.stop()


def place(registry: Registry) -> Place:
    return parse_place({"REGISTRY": f"{registry.host}/team"}, "0.1.0")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "image.tar"


@pytest.fixture(autouse=True)
def digest(archive: Path) -> str:
    """Of the image in the archive."""
    return oci(archive)


def test_what_was_pushed_has_the_digest_that_it_had_in_the_archive(registry: Registry, archive: Path, digest: str):
    where = place(registry)
    probe.check(where, None)
    pushed = Pusher(where, None, print).push("api", archive)
    assert pushed.digest == digest
    assert pushed.pinned == f"{registry.host}/team/guildnet/api@{pushed.digest}"
    assert Pusher(where, None, print).push("api", archive) == pushed, "again, and nothing is another"


def test_a_registry_with_a_login_takes_it_and_no_other(closed: Registry, archive: Path, digest: str):
    where = place(closed)
    with pytest.raises(LocalError, match=f"wants a login: run `docker login {closed.host}`"):
        probe.check(where, None)
    with pytest.raises(LocalError, match=r"refuses mallory \(from REGISTRY_USER\)"):
        probe.check(where, Login("mallory", PASSWORD, "REGISTRY_USER"))
    with pytest.raises(LocalError, match=r"refuses alice .*may this user push"):
        Pusher(where, Login("alice", "wrong", "REGISTRY_USER"), print).push("api", archive)
    probe.check(where, ALICE)
    assert Pusher(where, ALICE, print).push("api", archive).digest == digest


def test_a_registry_that_speaks_no_tls_is_told_as_one(registry: Registry):
    where = place(registry)
    with pytest.raises(LocalError, match="REGISTRY_PLAIN_HTTP=1"):
        probe.check(Place(where.host, where.path, where.tag), None)


def test_a_registry_that_is_not_there_is_told(archive: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = parse_place({"REGISTRY": f"127.0.0.1:{free.getsockname()[1]}"}, "0.1.0")
        with pytest.raises(LocalError, match=r"does not answer: .*refused"):
            probe.check(where, None)
        with pytest.raises(LocalError, match=r"guildnet/api:0.1.0 cannot be pushed: .*connection refused"):
            Pusher(where, None, print).push("api", archive)


def test_what_an_install_is_told_stands_in_files(
    registry: Registry, archive: Path, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def built(names: list[str], **_: object) -> dict[str, Image]:
        return {name: Image(name, "1", f"localhost/guildnet/{name}:dev-1", archive, 1, 1.0) for name in names}

    checkout = tmp_path / "checkout"
    for folder in ("charts", "examples"):
        (checkout / folder).parent.mkdir(exist_ok=True)
        (checkout / folder).symlink_to(load({}).checkout / folder)
    monkeypatch.setattr(images, "ensure", built)
    said: list[str] = []
    environ = {"REGISTRY": f"{registry.host}/team", "IMAGES": "api jupyterlab", "TAG": "t1"}
    settings = replace(load({"HOME": str(tmp_path)}), checkout=checkout)
    published = publish.publish(settings, environ, said.append)
    values = yaml.safe_load((checkout / "build/images.yaml").read_text())
    assert values["api"]["image"] == {
        "registry": registry.host, "repository": "team/guildnet/api", "tag": "t1", "digest": digest,
    }  # fmt: skip
    assert [one["label"] for one in values["presets"]] == ["JupyterLab"]
    example = yaml.safe_load((checkout / "build/jupyterlab.yaml").read_text())
    assert example["spec"]["image"] == f"{registry.host}/team/guildnet/jupyterlab@{digest}"
    lines = list(publish.what_next(published, checkout))
    assert lines[:2] == [f"{registry.host}/team/guildnet/{name}:t1@{digest}" for name in ("api", "jupyterlab")]
    assert lines[2].endswith(" -f build/images.yaml")
    assert said[0].endswith("by http without TLS")


def test_a_registry_that_is_not_there_is_told_before_anything_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def built(*_: object, **__: object) -> None:
        raise AssertionError("built for nothing")

    monkeypatch.setattr(images, "ensure", built)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(LocalError, match="does not answer"):
            publish.publish(load({"HOME": str(tmp_path)}), {"REGISTRY": f"127.0.0.1:{free.getsockname()[1]}"}, print)
