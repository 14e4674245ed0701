"""Which Workspaces may run: places are given once, kept, and handed on when they are free."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet.capability import Capability, Constraints
from guildnet.errors import Unreachable
from guildnet.workspace import Condition, Workspace, WorkspaceSpec, WorkspaceStatus, replace
from guildnet_operator import admission
from guildnet_operator.admission import Admissions

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Play:
    """A cluster whose caches the test writes, and the Admissions that read them."""

    limit: int | None = 2
    store: dict[str, Workspace] = field(default_factory=dict)
    deployments: dict[str, Any] = field(default_factory=dict)
    enqueued: list[str] = field(default_factory=list)
    remembered: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        workspaces = SimpleNamespace(store=self.store, remember=self.remembered.append)
        cluster: Any = SimpleNamespace(workspaces=workspaces, deployments=self.deployments)
        self.cluster = cluster
        self.limited(self.limit)
        client: Any = object()
        self.admissions = Admissions(client, cluster, "n", self.enqueued.append)

    def limited(self, most: int | None) -> None:
        constraints = Constraints(max_concurrent=most)
        self.cluster.capabilities = (Capability("few", frozenset({"launch"}), constraints=constraints),)

    def ws(self, name: str, *, owner: str = "ada", running: bool = True, age: int = 0) -> Workspace:
        annotations = {"guildnet.io/owner": owner}
        spec = WorkspaceSpec("acme/tool", running=running)
        made = BEGAN + timedelta(seconds=age)
        self.store[name] = Workspace(name, "n", f"uid-{name}", spec, annotations=annotations, created_at=made)
        return self.store[name]

    def waits(self, name: str) -> bool:
        return self.admissions.judge(self.store[name]).waits

    def stop(self, name: str) -> None:
        self.store[name] = replace(self.store[name], spec=replace(self.store[name].spec, running=False))

    def start(self, name: str) -> None:
        self.store[name] = replace(self.store[name], spec=replace(self.store[name].spec, running=True))

    def told(self, name: str, status: str) -> None:
        conditions = (Condition("Admitted", status),)
        self.store[name] = replace(self.store[name], status=WorkspaceStatus(conditions=conditions))

    def deployed(self, name: str, replicas: int, uid: str | None = None) -> None:
        self.deployments[name] = deployment(uid or f"uid-{name}", replicas)


def deployment(uid: str, replicas: int) -> dict[str, Any]:
    return {"metadata": {"ownerReferences": [{"uid": uid, "controller": True}]}, "spec": {"replicas": replicas}}


def test_as_many_run_as_may_and_the_oldest_of_them():
    play = Play()
    for age, name in enumerate("abcd"):
        play.ws(name, age=age)
    assert [name for name in "dcba" if not play.waits(name)] == ["b", "a"]
    assert [name for name in "abcd" if not play.waits(name)] == ["a", "b"]


def test_a_place_is_kept_by_a_younger_one_when_an_older_one_is_started():
    play = Play(limit=1)
    play.ws("old", running=False)
    play.ws("young", age=5)
    assert not play.waits("young")
    play.start("old")
    assert play.waits("old")
    assert not play.waits("young")


@pytest.mark.parametrize("how", ["given", "status", "deployment"])
def test_a_place_is_taken_until_nothing_says_so_any_more(how: str):
    play = Play(limit=1)
    play.ws("first")
    play.ws("second", age=1)
    if how == "given":
        assert not play.waits("first")
    elif how == "status":
        play.stop("first")
        play.told("first", "True")
    else:
        play.stop("first")
        play.deployed("first", 1)
    assert play.waits("second")
    play.stop("first")
    assert not play.waits("first")
    play.told("first", "False")
    play.stop("first")
    play.deployed("first", 0)
    assert not play.waits("second")


def test_a_deployment_of_a_deleted_namesake_takes_no_place():
    play = Play(limit=1)
    play.ws("first", running=False)
    play.deployed("first", 1, uid="uid-of-another")
    play.ws("second")
    assert not play.waits("second")


def test_one_that_ran_before_the_limit_keeps_its_place_and_others_wait():
    play = Play(limit=1)
    for age, name in enumerate("abc"):
        play.ws(name, age=age)
        play.deployed(name, int(name != "c"))
    assert [play.waits(name) for name in "abc"] == [False, False, True]


def test_owners_do_not_take_each_others_places_and_without_a_limit_all_run():
    play = Play(limit=1)
    for name, owner in (("a", "ada"), ("b", "bob"), ("c", "")):
        play.ws(name, owner=owner)
    assert not any(play.waits(name) for name in "abc")
    play.ws("d", owner="", age=1)
    assert play.waits("d")
    play.limited(None)
    assert not play.waits("d")


def test_who_waits_is_looked_at_when_a_place_is_free():
    play = Play(limit=1)
    for age, name in enumerate("abc"):
        play.ws(name, age=age)
    assert [play.waits(name) for name in "abc"] == [False, True, True]
    play.admissions.released("bob", "x")
    assert play.enqueued == []
    del play.store["a"]
    play.admissions.released("ada", "a", "uid-a")
    assert play.enqueued == ["b", "c"]
    assert [play.waits(name) for name in "bc"] == [False, True]
    play.enqueued.clear()
    del play.store["c"]
    play.admissions.released("ada", "c", "uid-c")
    play.admissions.released("ada", "b")
    assert play.enqueued == [], "nobody waits any more"


def test_one_that_is_being_deleted_runs_on_without_a_place():
    play = Play(limit=1)
    play.store["a"] = replace(play.ws("a"), deleting=True)
    assert not play.waits("a")
    play.ws("b", age=1)
    assert not play.waits("b")


async def test_who_takes_over_asks_what_is_there(monkeypatch: pytest.MonkeyPatch):
    """The caches do not have the last writes of the operator that led before."""
    play = Play(limit=1)
    play.ws("old", running=True)
    play.ws("young", age=1)
    asked: list[str] = []

    async def pages(_client: Any, resource: Any, *_args: Any, **_options: Any) -> AsyncIterator[Any]:
        asked.append(resource.plural)
        items = {"workspaces": [{"w": 1}], "deployments": [deployment("uid-young", 1), deployment("uid-old", 0)]}
        yield SimpleNamespace(items=items[resource.plural])

    monkeypatch.setattr(admission, "pages", pages)
    await play.admissions.begin()
    assert (asked, play.remembered) == (["workspaces", "deployments"], [{"w": 1}])
    assert play.waits("old")
    assert not play.waits("young")
    play.limited(None)
    asked.clear()
    await play.admissions.begin()
    assert asked == [], "without a limit nobody is asked"


async def test_who_cannot_ask_does_not_begin(monkeypatch: pytest.MonkeyPatch):
    async def pages(*_args: Any, **_options: Any) -> AsyncIterator[Any]:
        nothing: list[Any] = []
        for page in nothing:
            yield page
        raise Unreachable("no answer")

    monkeypatch.setattr(admission, "pages", pages)
    with pytest.raises(Unreachable):
        await Play(limit=1).admissions.begin()
