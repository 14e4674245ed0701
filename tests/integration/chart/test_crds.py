"""CRDs that the release brought itself: an uninstall leaves them, and with them every Workspace and Capability."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from guildnet.errors import GuildNetError
from guildnet.kube.client import Client, connect
from guildnet.kube.resources import CRDS, WORKSPACES
from guildnet_local.build import programs
from support.apiserver import PROGRAMS, ApiServer, Servers
from support.waiting import eventually

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("workspaces.guildnet.io", "capabilities.guildnet.io")
NAMESPACE, WORKSPACES_NAMESPACE = "guildnet", "guildnet-workspaces"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """CRDs are of the whole cluster: those of the shared API server belong to all tests."""
    servers = Servers(tmp_path_factory.mktemp("crds"), programs.ensure(PROGRAMS))
    try:
        yield servers.start()
    finally:
        servers.stop()


@pytest.fixture
async def own_kube(own_server: ApiServer) -> AsyncIterator[Client]:
    async with connect(str(own_server.kubeconfig), user_agent="guildnet-tests") as client:
        yield client


def _helm(server: ApiServer, *arguments: str, values: dict[str, Any] | None = None) -> None:
    program = programs.ensure(["helm"])["helm"]
    command = [str(program), *arguments, "--kubeconfig", str(server.kubeconfig), "--namespace", NAMESPACE]
    done = subprocess.run(
        command, input=json.dumps(values or {}), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def _install(server: ApiServer) -> None:
    _helm(
        server, "install", "guildnet", str(ROOT / "charts" / "guildnet"), "--create-namespace", "--server-side=true",
        "-f", "-", values={"tailnet": {"enabled": False}},
    )  # fmt: skip


async def _crd(kube: Client, name: str) -> dict[str, Any] | None:
    try:
        return await kube.get(CRDS, None, name)
    except GuildNetError:
        return None


async def test_an_uninstall_leaves_the_crds_and_every_workspace(own_server: ApiServer, own_kube: Client):
    for name in NAMES:
        await own_kube.delete(CRDS, None, name)
        await eventually(lambda name=name: _gone(own_kube, name))
    _install(own_server)
    before = {name: await _crd(own_kube, name) for name in NAMES}
    for name, crd in before.items():
        assert crd, name
        assert crd["metadata"]["annotations"]["meta.helm.sh/release-name"] == "guildnet"

    made = await eventually(lambda: _created(own_kube), within=20)
    _helm(own_server, "uninstall", "guildnet")
    after = {name: await _crd(own_kube, name) for name in NAMES}
    for name, crd in after.items():
        assert crd, f"{name} is gone"
        was = before[name]
        assert was is not None
        assert crd["metadata"]["uid"] == was["metadata"]["uid"]
    left = await own_kube.get(WORKSPACES, WORKSPACES_NAMESPACE, "stays")
    assert left["metadata"]["uid"] == made["metadata"]["uid"]

    _install(own_server)
    again = await own_kube.get(WORKSPACES, WORKSPACES_NAMESPACE, "stays")
    assert again["metadata"]["uid"] == made["metadata"]["uid"]


async def _gone(kube: Client, name: str) -> bool:
    return await _crd(kube, name) is None


async def _created(kube: Client) -> dict[str, Any] | None:
    """A Workspace, once its CRD is served."""
    body = {
        "apiVersion": "guildnet.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "stays"},
        "spec": {"image": "acme/tool"},
    }  # fmt: skip
    try:
        return await kube.create(WORKSPACES, WORKSPACES_NAMESPACE, body)
    except GuildNetError:
        return None
