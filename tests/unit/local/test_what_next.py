"""What `up` leaves on the terminal: what a person does next, the address last."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guildnet_local import cli, existing_cluster
from guildnet_local.cluster.kubectl import Kubectl


@pytest.fixture
def request_of(monkeypatch: pytest.MonkeyPatch):
    """A request to bring up `only`, on a cluster whose token is known."""
    monkeypatch.setattr(existing_cluster, "token_of", lambda *_: "the-token")
    monkeypatch.setattr(cli.Request, "kubectl", lambda _: Kubectl(Path("/kubectl")))

    def make(only: str) -> cli.Request:
        return cli.Request(cli.parser().parse_args(["up", "--only", only]), {"HOME": "/root", "GUILDNET_PORT": "8090"})

    return make


def test_the_last_line_is_the_address_that_logs_in(request_of):
    lines = list(cli.what_next(request_of("all")))
    assert lines[-1] == "GuildNet is up: http://guildnet.localhost:8090/login?token=the-token"
    before = "\n".join(lines[:-1])
    assert "https://guildnet.tailtest.example/" in before
    assert "make down" in before


def test_a_bare_cluster_has_no_front_door_to_tell_of(request_of):
    assert list(cli.what_next(request_of("cluster")))[-1] == "The cluster is up: https://127.0.0.1:16443"


def test_kubectl_is_told_as_it_can_be_typed_here(request_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.chdir(tmp_path)
    told = next(line for line in cli.what_next(request_of("all")) if "kubectl" in line)
    assert told.split()[1] == ".venv/bin/kubectl"
    monkeypatch.chdir("/")
    assert str(tmp_path / ".venv" / "bin" / "kubectl")[1:] in next(iter(cli.what_next(request_of("all"))))
