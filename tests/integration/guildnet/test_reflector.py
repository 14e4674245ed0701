"""The reflector against a real API server that is frozen, killed and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from guildnet import workspace
from guildnet.errors import NotFound
from guildnet.kube.client import Client, connect
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import CONFIGMAPS, CRDS, WORKSPACES, Resource
from support.apiserver import PROGRAMS, ApiServer, Servers, make_namespace, ready
from support.faultproxy import FaultProxy, answer
from support.waiting import eventually


@asynccontextmanager
async def running(reflector: Reflector[Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(reflector.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def configmap(name: str, value: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": "x"}}, "data": {"v": value}}


def copy_of(client: Client, namespace: str, **options: Any) -> Reflector[str]:
    return Reflector(
        client, CONFIGMAPS, namespace=namespace, label_selector="app=x", parse=lambda obj: obj["data"]["v"], **options
    )


async def test_a_copy_follows_the_api_server_event_by_event(kube: Client, namespace: str) -> None:
    changes: list[Change[workspace.Workspace]] = []
    reflector = Reflector(kube, WORKSPACES, namespace=namespace, parse=workspace.parse, on_change=changes.append)
    async with running(reflector):
        await asyncio.wait_for(reflector.synced.wait(), 10)
        await kube.create(WORKSPACES, namespace, {"metadata": {"name": "w"}, "spec": {"image": "a"}})
        await eventually(lambda: "w" in reflector.store)
        await kube.merge_patch(WORKSPACES, namespace, "w", {"spec": {"image": "b"}})
        await eventually(lambda: reflector.store["w"].spec.image == "b")
        await kube.delete(WORKSPACES, namespace, "w")
        await eventually(lambda: not reflector.store)
    assert [change.kind for change in changes] == ["synced", "added", "modified", "deleted"]
    assert reflector.relists == 1


async def test_a_list_longer_than_a_page_is_whole(kube: Client, namespace: str) -> None:
    await asyncio.gather(*(kube.create(CONFIGMAPS, namespace, configmap(f"c{n}")) for n in range(23)))
    reflector = copy_of(kube, namespace, page=5)
    async with running(reflector):
        await asyncio.wait_for(reflector.synced.wait(), 10)
        assert len(reflector.store) == 23


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An API server of this test's own, to be mistreated."""
    from guildnet_local.build import programs

    own = Servers(tmp_path_factory.mktemp("mistreated"), programs.ensure(PROGRAMS))
    yield own
    own.stop()


@pytest.fixture
async def mistreated(servers: Servers) -> AsyncIterator[Client]:
    server = await asyncio.to_thread(servers.start)
    async with connect(str(server.kubeconfig)) as client:
        yield client


async def test_it_survives_an_api_server_that_freezes_dies_and_comes_back(servers: Servers, mistreated: Client) -> None:
    client = mistreated
    namespace = await make_namespace(client)
    for name in ("kept", "gone", "changed"):
        await client.create(CONFIGMAPS, namespace, configmap(name))
    changes: list[Change[str]] = []
    reflector = copy_of(client, namespace, silence=1.0, on_change=changes.append)
    async with running(reflector):
        await eventually(reflector.synced.is_set)
        api_server = servers.processes[1]

        # Frozen: the connection stays up and says nothing.
        api_server.pause()
        await eventually(lambda: reflector.last_error is not None, within=20)
        assert set(reflector.store) == {"kept", "gone", "changed"}
        api_server.resume()
        await client.merge_patch(CONFIGMAPS, namespace, "changed", {"data": {"v": "2"}})
        await eventually(lambda: reflector.store["changed"] == "2", within=20)

        # Dead, and changed behind its back before it can watch again.
        api_server.stop(kill=True)
        await eventually(lambda: reflector.last_error is not None, within=20)
        assert reflector.snapshot() is not None
        servers.start_apiserver()
        await eventually(lambda: ready(servers.server), within=60, every=0.1)
        await client.delete(CONFIGMAPS, namespace, "gone")
        await client.create(CONFIGMAPS, namespace, configmap("new"))
        await eventually(lambda: set(reflector.store) == {"kept", "changed", "new"}, within=30)
        await eventually(lambda: reflector.last_error is None, within=20)
    told = [(change.kind, change.key) for change in changes if change.kind in ("deleted", "modified")]
    assert sorted(told) == [("deleted", "gone"), ("modified", "changed")]


async def test_a_watch_refused_once_is_live_when_it_begins_in_a_quiet_cluster(
    api_server: ApiServer, kube: Client, namespace: str, tmp_path: Path
) -> None:
    """The first word of a watch that has nothing to bring is a bookmark after a minute."""
    proxy, kubeconfig = FaultProxy(api_server), tmp_path / "kubeconfig"
    await kube.create(CONFIGMAPS, namespace, configmap("a"))
    async with proxy.serve(kubeconfig), connect(str(kubeconfig)) as client:
        reflector = copy_of(client, namespace)
        proxy.refuse = lambda request: answer(503, "watch") if "watch" in request.query else None
        async with running(reflector):
            await eventually(lambda: reflector.synced.is_set() and reflector.last_error is not None)
            proxy.refuse = lambda _: None
            await eventually(lambda: reflector.last_error is None, within=20)
            assert proxy.streams.events == set()


def crd_of(kind: Resource) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": {"kind": kind.kind, "plural": kind.plural},
            "versions": [{"name": kind.version, "served": True, "storage": True, "schema": schema}],
        },
    }


async def test_a_kind_that_is_not_there_yet_is_waited_for(kube: Client, namespace: str) -> None:
    kind = Resource(f"{namespace}.example", "v1", "lates", "Late")
    reflector = Reflector(kube, kind, namespace=namespace, parse=lambda obj: obj["metadata"]["name"])
    async with running(reflector):
        await eventually(lambda: isinstance(reflector.last_error, NotFound), within=30)
        assert reflector.snapshot() is None
        await kube.create(CRDS, None, crd_of(kind))
        await asyncio.wait_for(reflector.synced.wait(), 60)
        await kube.create(kind, namespace, {"metadata": {"name": "late"}})
        await eventually(lambda: reflector.snapshot() == ("late",), within=30)
