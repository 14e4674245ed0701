"""An install that is reached through the API server: found, logged in to, and forwarded to by kubectl."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from guildnet_cli import errors
from guildnet_cli.errors import CliError
from guildnet_cli.installs import Installs
from guildnet_cli.reach.portforward import Cluster, forward

from .conftest import PlayedApi, Run


def test_an_install_reached_by_kubectl_is_remembered_so(tmp_path: Path):
    Installs(tmp_path).add(
        "lab", "http://guildnet.localhost:8080", "t", cluster=("/k", "", "guildnet", "guildnet-proxy")
    )
    assert Installs(tmp_path).choose("lab").cluster == ("/k", "", "guildnet", "guildnet-proxy")


FAKE = """#!/bin/sh
case "$*" in
  *"get deployments"*) echo '%s' ;;
  *"create token guildnet-admin --audience guildnet"*) echo made-token ;;
  *port-forward*) echo "Forwarding from 127.0.0.1:%d -> 8080"; exec sleep 30 ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""


def proxy_deployment(origin: str) -> str:
    labels = {"app.kubernetes.io/part-of": "guildnet", "app.kubernetes.io/component": "proxy"}
    container = {"name": "proxy", "env": [{"name": "LOCAL_ORIGIN", "value": origin}]}
    meta = {"name": "guildnet-proxy", "namespace": "guildnet", "labels": labels}
    return json.dumps({"items": [{"metadata": meta, "spec": {"template": {"spec": {"containers": [container]}}}}]})


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A kubectl on PATH that knows one install."""

    def make(origin: str = "http://guildnet.localhost:8080", port: int = 45678) -> None:
        program = tmp_path / "kubectl"
        program.write_text(FAKE % (proxy_deployment(origin), port))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return make


def test_login_by_kubeconfig_finds_the_install_and_makes_a_token(
    run: Run, api: PlayedApi, kubectl: Callable[..., None]
):
    kubectl()
    api.on("GET /api/ui-config", {"name": "team"})
    done = run("login", "--kubeconfig")
    assert (done.code, "logged in to team" in done.out, "administrator" in done.err) == (0, True, True)
    assert api.asked[-1].headers["Host"] == "guildnet.localhost:8080"
    assert api.asked[-1].headers["Authorization"] == "Bearer made-token"
    assert run("use", "-o", "json").code == 0


@pytest.mark.parametrize(
    ("origin", "words", "said"),
    [
        ("", ("--kubeconfig",), "has no local entry"),
        ("http://x:1", ("http://y", "--kubeconfig"), "not both"),
        ("http://x:1", (), "an address or --kubeconfig is missing"),
    ],
)
def test_what_cannot_be_reached_so_is_said(
    run: Run, kubectl: Callable[..., None], origin: str, words: tuple[str, ...], said: str
):
    kubectl(origin)
    done = run("login", *words)
    assert (done.code, said in done.err, "next:  " in done.err) == (errors.USAGE, True, True)


def test_a_forwarder_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho 'error: pod not found' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(CliError, match="kubectl port-forward: error: pod not found"):
        forward(Cluster(deployment="guildnet-proxy"))
