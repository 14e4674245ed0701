"""A pass over children that nobody may want any more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.plan import Policy
from guildnet_operator.status.children import Children
from guildnet_operator.sync.children import ChildSync
from guildnet_operator.sync.results import Known, SyncResult
from guildnet_operator.sync.writer import ChildResult
from unit.operator.values import UID, workspace


class Nothing:
    """A cache in which there is nothing."""

    def get(self, _name: str) -> None:
        return None


class Hand:
    """A writer that notes what it is to make, and finds this Workspace when it is asked for one."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        self.found = found
        self.made: list[str] = []

    def inspect(self, *_: Any, asked: bool) -> None:
        return None

    async def read(self, _resource: Any, _name: str) -> dict[str, Any] | None:
        return self.found

    async def ensure(self, _plan: Any, manifest: dict[str, Any], _cache: Any) -> ChildResult:
        self.made.append(manifest["kind"])
        return ChildResult(live=manifest)


async def _meanwhile(_result: SyncResult) -> None:
    """Nothing is told: these writes are answered at once."""


CLUSTER = SimpleNamespace(
    **dict.fromkeys(("deployments", "services", "claims", "ingresses", "network_policies"), Nothing()),
    with_pods=lambda _name, children: children,
)
THERE = {"metadata": {"uid": UID}}
SUCCESSOR = {"metadata": {"uid": "another"}}
ALL = ["PersistentVolumeClaim", "Deployment", "Service"]


@pytest.mark.parametrize(
    ("retain", "fresh", "found", "made"),
    [
        pytest.param(True, True, None, [], id="new and gone, its claim would stay"),
        pytest.param(True, True, SUCCESSOR, [], id="new and followed by another"),
        pytest.param(True, True, THERE, ALL, id="new and there"),
        pytest.param(False, True, None, ALL, id="new and gone, all of it would be collected"),
        pytest.param(False, False, None, [], id="not new, and gone"),
    ],
)
async def test_nothing_is_left_behind_by_a_workspace_that_went_unseen(retain, fresh, found, made):
    hand: Any = Hand(found)
    plan = decide(workspace(storage={"size": "1Gi", "retain": retain}), Policy())
    cluster: Any = CLUSTER
    known = Known(secret_ensured=None, fresh=fresh, asked=True)
    result = await ChildSync(hand, cluster, lambda _: {}).sync(plan, Children(), known, _meanwhile)
    assert sorted(hand.made) == sorted(made)
    assert result.unwanted is not bool(made)
