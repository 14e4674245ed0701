"""What an operator begins with when it starts to lead: nothing that comes up in that moment is lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_operator import app, metrics
from guildnet_operator.settings import Settings
from guildnet_operator.workqueue import SETTLED, Next, WorkQueue

TURNS = 20
"""More turns of the loop than an operator takes from beginning to lead until its queue runs."""


async def test_a_workspace_that_comes_up_in_whatever_turn_of_the_loop_is_reconciled(monkeypatch: pytest.MonkeyPatch):
    """kopf's events are called between any two steps of the task that begins to lead."""
    one: Any = SimpleNamespace(status=SimpleNamespace(origin=None))
    store: dict[str, Any] = {"before": one}
    workspaces = SimpleNamespace(store=store, broken={"unreadable": "why"}, get=store.get)
    cluster: Any = SimpleNamespace(workspaces=workspaces, capabilities=(), capability_names=(), capability_changed=None)
    ports: Any = SimpleNamespace(seen=list, left=0)
    client: Any = None
    worked: set[str] = set()

    async def work(key: str) -> Next:
        worked.add(key)
        return SETTLED

    monkeypatch.setattr(app, "Reconciler", lambda *_: work)
    monkeypatch.setattr(metrics, "follow_workspaces", lambda *_: None)
    queue = WorkQueue()
    lead = app._leader(client, Settings(k8s_namespace="ns"), cluster, queue, ports, None)
    leading = asyncio.ensure_future(lead())
    for turn in range(TURNS):
        store[f"turn-{turn}"] = one
        queue.add_while_running(f"turn-{turn}")
        await asyncio.sleep(0)
    assert queue.running
    await asyncio.sleep(0)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    assert worked == {*store, "unreadable"}
