"""What the proxy asks the operator for, by keys of a ConfigMap that others write as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from guildnet.errors import Unreachable
from guildnet.workspace import Workspace
from guildnet.workspace.origin import port_request
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.settings import Settings
from guildnet_proxy.tailnet import port_requests
from guildnet_proxy.tailnet.port_requests import PortRequests
from support.waiting import eventually
from unit.proxy.values import workspace

TWO = {"ports": [{"containerPort": 8080}, {"containerPort": 9000}, {"containerPort": 9001}]}
KEY, OTHER = port_request("12345678-uid", 9000), port_request("12345678-uid", 9001)


class ConfigMap:
    """The entries ConfigMap as the client sees it."""

    def __init__(self, **data: str) -> None:
        self.data: dict[str, str] = data
        self.writes = 0
        self.down = 0
        self.while_writing: Callable[[], None] = lambda: None

    async def get(self, *_: Any) -> dict[str, Any]:
        return {"data": dict(self.data)}

    async def merge_patch(self, _resource: Any, _namespace: str, _name: str, body: dict[str, Any]) -> None:
        if self.down:
            self.down -= 1
            raise Unreachable("the API server does not answer")
        await asyncio.sleep(0)
        self.while_writing()
        self.writes += 1
        for key, value in body["data"].items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value


def given(**ports: int) -> Workspace:
    held = [{"containerPort": int(name[1:]), "port": port} for name, port in ports.items()]
    return workspace(spec=TWO, status={"origin": {"port": 20001, "host": "x", "ports": held}})


@asynccontextmanager
async def asking(config: ConfigMap, index: Index, *, leads: bool = True) -> AsyncIterator[PortRequests]:
    async def synced() -> None: ...

    made = PortRequests(Settings(local_origin="http://guildnet.localhost"), config, index, synced)  # type: ignore[arg-type]
    task = asyncio.create_task(made.run(leads=leads))
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def index() -> Index:
    made = Index()
    made.put_workspace(given())
    return made


async def test_a_port_is_asked_for_once_and_taken_out_when_it_is_there(index: Index):
    config = ConfigMap(tailnet="g.ts.example")
    async with asking(config, index) as requests:
        found = index.workspaces["ws"]
        for _ in range(3):
            requests.ask(found, 9000)
        await eventually(lambda: KEY in config.data)
        assert (config.data[KEY], config.writes) == ("ws", 1)
        assert requests.is_new(found, 9000)
        index.put_workspace(given(p9000=20007))
        await eventually(lambda: KEY not in config.data)
        assert config.data == {"tailnet": "g.ts.example"}
        assert requests.is_new(found, 9000), "the sidecar may not listen there yet"
        assert not requests.is_new(found, 9001)


async def test_it_is_new_for_no_longer_than_it_takes_to_listen(index: Index, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(port_requests, "LISTEN_SECONDS", 0.0)
    async with asking(ConfigMap(), index) as requests:
        requests.ask(index.workspaces["ws"], 9000)
        index.put_workspace(given(p9000=20007))
        await eventually(lambda: not requests.is_new(index.workspaces["ws"], 9000))


async def test_what_is_asked_for_meanwhile_is_not_lost(index: Index):
    config = ConfigMap()
    async with asking(config, index) as requests:
        config.while_writing = lambda: requests.ask(index.workspaces["ws"], 9001)
        requests.ask(index.workspaces["ws"], 9000)
        await eventually(lambda: {KEY, OTHER} <= config.data.keys())


async def test_an_outage_is_waited_out(index: Index, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(port_requests, "RETRY_SECONDS", 0.01)
    config = ConfigMap()
    config.down = 3
    async with asking(config, index) as requests:
        requests.ask(index.workspaces["ws"], 9000)
        await eventually(lambda: KEY in config.data)
        assert config.down == 0


@pytest.mark.parametrize("leads", [True, False])
async def test_what_an_earlier_run_asked_for_is_taken_over_by_the_process_that_leads(index: Index, *, leads: bool):
    gone = {port_request("another-uid", 9000): "ws", port_request("12345678-uid", 7): "ws", port_request("x", 1): "no"}
    config = ConfigMap(tailnet="g.ts.example", **gone, **{KEY: "ws"})
    async with asking(config, index, leads=leads):
        if leads:
            await eventually(lambda: config.data == {"tailnet": "g.ts.example", KEY: "ws"})
            index.remove_workspace("ws")
            await eventually(lambda: config.data == {"tailnet": "g.ts.example"})
        else:
            await asyncio.sleep(0.05)
            assert config.writes == 0
