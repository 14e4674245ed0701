"""Which of docker, podman and buildah builds, and what podman is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local.build.runner import Progress
from guildnet_local.images.engine import Build, Buildah, Docker, Podman, find
from guildnet_local.images.job import Job
from guildnet_local.images.recipes import ImageError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any of them."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def install(machine: Path, name: str, *, answers: bool = True) -> None:
    path = machine / "bin" / name
    path.write_text(f'#!/bin/sh\necho "$*" >> {machine}/calls\nexit {0 if answers else 1}\n')
    path.chmod(0o755)


def test_the_first_that_answers_builds(machine: Path):
    with pytest.raises(ImageError, match="docker, podman or buildah"):
        find(machine)
    install(machine, "buildah")
    assert isinstance(find(machine), Buildah)
    install(machine, "podman", answers=False)
    assert isinstance(find(machine), Buildah), "its machine is not started"
    install(machine, "podman")
    assert isinstance(find(machine), Podman)
    install(machine, "docker", answers=False)
    assert isinstance(find(machine), Podman), "there is a client and no daemon"
    install(machine, "docker")
    assert isinstance(find(machine), Docker)


def test_podman_builds_and_saves_what_the_others_do(machine: Path):
    install(machine, "podman")
    job = Job(Progress("api", lambda _: None), machine / "log")
    build = Build(machine / "context", "localhost/guildnet/api:dev-1", {"SERVICE": "api"}, {"ca": machine / "ca.pem"})
    Podman().build(build, job)
    Podman().save(build.ref, machine / "api.tar", job)
    built, saved = (machine / "calls").read_text().splitlines()
    assert built.startswith("build --layers --format oci --network host ")
    assert built.endswith(f" {machine}/context")
    assert f"--secret id=ca,src={machine}/ca.pem" in built
    assert "--build-arg SERVICE=api" in built
    assert saved == f"save --format oci-archive --output {machine}/api.tar {build.ref}"
