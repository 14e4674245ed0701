"""`CLUSTER=kind` with played docker and kind: what is asked of them, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guildnet_local import cli, existing_cluster, images, kind
from guildnet_local.build import programs
from guildnet_local.images import Image
from guildnet_local.settings import LocalError, Settings, load


class Machine:
    """Programs that write down their calls; `kind` says which clusters there are."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.program("docker", "")
        self.clusters()

    def program(self, name: str, then: str) -> Path:
        path = self.place / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.place / "calls"}\n{then}\n')
        path.chmod(0o755)
        return path

    def clusters(self, *names: str) -> None:
        self.program("kind", f'[ "$1" = get ] && echo "{" ".join(names)}" || true')

    @property
    def calls(self) -> list[str]:
        path = self.place / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(programs, "ensure", lambda names, **_: {name: tmp_path / "bin" / name for name in names})
    monkeypatch.setattr(images, "ensure", lambda names, **_: {name: image(name, tmp_path) for name in names})
    return made


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was installed: context, values, manifest."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        existing_cluster, "install", lambda _, target, values, manifest, __: found.append((target, values, manifest))
    )
    return found


def image(name: str, place: Path) -> Image:
    return Image(name, "abc", f"localhost/guildnet/{name}:dev-abc", place / f"{name}.tar", 1, 1.0)


def settings(place: Path) -> Settings:
    return load({"HOME": str(place)})


TARGET = existing_cluster.parse_target("kind")


def test_the_cluster_is_made_the_images_are_loaded_and_the_chart_installed(machine, installed, tmp_path):
    said: list[str] = []
    kind.up(settings(tmp_path), TARGET, said.append)
    assert machine.calls[:3] == [
        "docker info",
        "kind get clusters",
        "kind create cluster --name=guildnet --wait=180s",
    ]
    loads = [call for call in machine.calls if call.startswith("kind load")]
    assert len(loads) == len(kind.IMAGES)
    assert (
        "kind load docker-image --name=guildnet localhost/guildnet/jupyterlab:dev-abc guildnet/jupyterlab:0.1.0"
        in loads
    )
    ((target, values, manifest),) = installed
    assert target.context == "kind-guildnet"
    assert values["api"]["image"] == {"registry": "", "repository": "localhost/guildnet/api", "tag": "dev-abc"}
    assert "tailnet" not in values
    assert "image: guildnet/jupyterlab:0.1.0" in manifest


def test_a_cluster_that_is_there_is_taken(machine, installed, tmp_path):
    machine.clusters("other", "guildnet")
    kind.up(settings(tmp_path), TARGET, lambda _: None)
    assert not [call for call in machine.calls if "create" in call]
    assert len(installed) == 1


def test_without_a_docker_engine_nothing_is_made_and_the_other_ways_are_said(machine, installed, tmp_path):
    machine.program("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    with pytest.raises(LocalError, match=r"needs a Docker engine.*CLUSTER=bare.*CLUSTER=context:NAME"):
        kind.up(settings(tmp_path), TARGET, lambda _: None)
    assert machine.calls == ["docker info"]
    assert installed == []


def test_what_kind_says_is_passed_on(machine, installed, tmp_path):
    machine.program("kind", '[ "$1" = get ] || { echo "ERROR: no space left" >&2; exit 1; }')
    with pytest.raises(LocalError, match=r"kind create cluster .*ERROR: no space left"):
        kind.up(settings(tmp_path), TARGET, lambda _: None)


def test_down_deletes_the_cluster(machine, monkeypatch, capsys):
    monkeypatch.setenv("CLUSTER", "kind")
    assert cli.main(["down"]) == 0
    assert machine.calls == ["docker info", "kind delete cluster --name=guildnet"]
    assert "is gone" in capsys.readouterr().out
