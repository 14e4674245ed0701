"""`kubectl` and `helm` of the local cluster: what they become, and that their arguments arrive as they were given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guildnet_local import __main__, cli
from guildnet_local.build import programs
from guildnet_local.settings import Settings


class Became(Exception):  # noqa: N818  it is no error
    """Stands for the end of this program; what it became."""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig of a local cluster, and programs that are there."""
    kubeconfig = tmp_path / "admin.kubeconfig"
    kubeconfig.touch()
    monkeypatch.delenv("CLUSTER", raising=False)
    monkeypatch.setattr(Settings, "kubeconfig", kubeconfig)
    monkeypatch.setattr(programs, "ensure", lambda names, **_: {name: Path("/built") / name for name in names})

    def become(_: str, command: list[str], environment: dict[str, str]) -> None:
        raise Became(command, environment["KUBECACHEDIR"])

    monkeypatch.setattr("os.execve", become)
    return kubeconfig


@pytest.mark.parametrize("name", ["kubectl", "helm"])
def test_a_shim_talks_to_the_local_cluster_and_passes_everything_on(name, cluster, monkeypatch):
    monkeypatch.setattr(sys, "argv", [f".venv/bin/{name}", "get", "--help", "helm", "-n", "a b"])
    with pytest.raises(Became) as ended:
        getattr(__main__, name)()
    command, cache = ended.value.args
    assert command == [f"/built/{name}", f"--kubeconfig={cluster}", "get", "--help", "helm", "-n", "a b"]
    assert Path(cache).parent.parent == cluster.parent


def test_a_context_of_the_users_is_used_when_it_is_named(cluster, monkeypatch):
    monkeypatch.setenv("CLUSTER", "context:work")
    monkeypatch.setenv("KUBECACHEDIR", "/home/me/cache")
    with pytest.raises(Became) as ended:
        cli.main(["kubectl", "get", "pods"])
    assert ended.value.args[0] == ["/built/kubectl", "--context=work", "get", "pods"]


def test_without_a_cluster_it_says_what_makes_one(cluster, capsys):
    cluster.unlink()
    assert cli.main(["helm", "list"]) == 1
    assert "`make up` makes one" in capsys.readouterr().err
