"""The watch of Workspaces: what kopf tells feeds store and queue, and a list of ours finds what kopf cannot tell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from guildnet import pace
from guildnet.errors import Gone, GuildNetError, Unreachable
from guildnet.pace import Pace
from guildnet_operator.watch import workspaces
from guildnet_operator.watch.workspaces import WorkspaceWatch
from support.waiting import eventually
from unit.operator.test_workspace_store import made

Json = dict[str, Any]


class Server:
    """Stands in for the client: answers lists, page by page, with what is there."""

    def __init__(self) -> None:
        self.version = 10
        self.items: dict[str, Json] = {}
        self.error: GuildNetError | None = None
        self.limits: list[int | None] = []
        self.expire = False
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens between an answer and its arrival."""

    def put(self, name: str, **spec: Any) -> Json:
        self.version += 1
        self.items[name] = made(name, self.version, **spec)
        return self.items[name]

    def delete(self, name: str) -> Json:
        self.version += 1
        gone = self.items.pop(name)
        return {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self.version)}}

    async def list(
        self, _resource: Any, _namespace: str, *, limit: int | None, continue_: str | None = None, **_: Any
    ) -> Json:
        self.limits.append(limit)
        if self.error is not None:
            raise self.error
        if continue_ and self.expire:
            raise Gone("the pages are gone")
        begin = int(continue_ or 0)
        names = sorted(self.items)
        end = len(names) if limit is None else begin + limit
        more = {"continue": str(end)} if end < len(names) else {}
        answer = {
            "metadata": {"resourceVersion": str(self.version), **more},
            "items": [self.items[name] for name in names[begin:end]],
        }
        self.meanwhile()
        return answer


class Kopf:
    """Stands in for the source: told by the test what to tell."""

    restarts = 0

    async def run(self) -> None:
        await asyncio.Event().wait()

    def restart(self) -> None:
        self.restarts += 1


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def told() -> list[str]:
    return []


@pytest.fixture
async def watch(server: Server, told: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WorkspaceWatch]:
    monkeypatch.setattr(workspaces, "MIN_LIST_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(pace, "FIRST_PAUSE_SECONDS", 0.001)
    client: Any = server
    made = WorkspaceWatch(client, "w", None, told.append, Pace(0.0))
    kopf: Any = Kopf()
    made.kopf = kopf
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def begin(watch: WorkspaceWatch) -> None:
    watch.watching(listed=True)
    await eventually(watch.synced.is_set)


async def test_it_is_synced_only_after_a_complete_list(watch: WorkspaceWatch, server: Server):
    server.error = Unreachable("refused")
    watch.event(None, server.put("a"))
    watch.watching(listed=True)
    await eventually(lambda: watch.last_error)
    assert not watch.synced.is_set()
    server.error = None
    await eventually(watch.synced.is_set)
    assert watch.last_error is None
    assert set(watch.store) == {"a"}


async def test_without_kopf_the_first_list_waits_a_moment_and_is_made_all_the_same(
    watch: WorkspaceWatch, server: Server
):
    server.put("a")
    await eventually(watch.synced.is_set, within=2 * workspaces.KOPF_START_SECONDS)
    assert set(watch.store) == {"a"}


async def test_an_event_feeds_the_store_and_the_queue(watch: WorkspaceWatch, server: Server, told: list[str]):
    await begin(watch)
    watch.event("ADDED", server.put("a"))
    assert (set(watch.store), told) == ({"a"}, ["a"])
    watch.event("DELETED", server.delete("a"))
    assert (set(watch.store), told) == (set(), ["a", "a"])


async def test_an_older_event_changes_nothing_but_is_looked_into(
    watch: WorkspaceWatch, server: Server, told: list[str]
):
    await begin(watch)
    older, newer = server.put("a", notes="older"), server.put("a", notes="newer")
    watch.event("MODIFIED", newer)
    watch.event("MODIFIED", older)
    assert watch.store["a"].spec.notes == "newer"
    assert told == ["a", "a"]


async def test_an_edit_that_came_with_the_answer_to_our_write_is_not_lost(
    watch: WorkspaceWatch, server: Server, told: list[str]
):
    await begin(watch)
    edited = server.put("a", notes="edited")
    watch.remember(server.put("a", notes="edited"))
    assert told == []
    watch.event("MODIFIED", edited)
    assert told == ["a"], "nothing was new in its event, but nobody has worked on it yet"


async def test_a_list_of_kopfs_is_followed_by_one_that_finds_what_was_deleted_before(
    watch: WorkspaceWatch, server: Server, told: list[str]
):
    server.put("a")
    server.put("b")
    await begin(watch)
    server.delete("a")
    told.clear()
    watch.watching(listed=False)
    await asyncio.sleep(0.02)
    assert set(watch.store) == {"a", "b"}, "a watch that goes on from where it was has missed nothing"
    watch.watching(listed=True)
    await eventually(lambda: set(watch.store) == {"b"})
    assert told == ["a"]


async def test_when_kopf_gives_up_a_list_stands_in(watch: WorkspaceWatch, server: Server, told: list[str]):
    await begin(watch)
    server.put("a")
    watch.ended()
    await eventually(lambda: told == ["a"])


async def test_an_event_that_never_came_is_found_after_minutes(
    watch: WorkspaceWatch, server: Server, told: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workspaces, "RELIST_AFTER_SECONDS", 0.05)
    await begin(watch)
    server.put("a")
    await eventually(lambda: told == ["a"])


async def test_an_outage_leaves_the_store_as_it_was(watch: WorkspaceWatch, server: Server):
    server.put("a")
    await begin(watch)
    server.error = Unreachable("refused")
    watch.failed("GET /x: refused")
    watch.ended()
    await eventually(lambda: len(server.limits) > 3)
    assert set(watch.store) == {"a"}
    assert watch.last_error is not None
    assert watch.synced.is_set()


async def test_a_list_whose_pages_are_gone_is_taken_in_one_piece(
    watch: WorkspaceWatch, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workspaces, "PAGE_OBJECTS", 2)
    server.expire = True
    for name in "abc":
        server.put(name)
    await begin(watch)
    assert server.limits == [2, 2, None]
    assert set(watch.store) == {"a", "b", "c"}


async def test_every_page_of_a_list_counts(watch: WorkspaceWatch, server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workspaces, "PAGE_OBJECTS", 2)
    for name in "abcde":
        server.put(name)
    await begin(watch)
    assert server.limits == [2, 2, 2]
    assert set(watch.store) == set("abcde")


async def test_a_cluster_that_was_restored_is_believed_and_kopf_begins_anew(
    watch: WorkspaceWatch, server: Server, told: list[str]
):
    server.version = 100
    server.put("a", notes="later")
    await begin(watch)
    told.clear()
    server.version = 50
    server.put("a", notes="earlier")
    watch.ended()
    await eventually(lambda: told == ["a"])
    assert watch.store["a"].spec.notes == "earlier"
    kopf: Any = watch.kopf
    assert kopf.restarts == 1


async def test_an_event_that_overtakes_a_list_does_not_make_the_list_one_of_a_restored_cluster(
    watch: WorkspaceWatch, server: Server
):
    server.put("a")
    server.meanwhile = lambda: watch.event("ADDED", server.put("b"))
    await begin(watch)
    assert set(watch.store) == {"a", "b"}
    kopf: Any = watch.kopf
    assert kopf.restarts == 0


async def test_its_age_is_that_of_the_last_event_list_or_watch(watch: WorkspaceWatch, server: Server):
    assert watch.age() == float("inf")
    await begin(watch)
    await asyncio.sleep(0.02)
    before = watch.age()
    watch.watching(listed=False)
    assert watch.age() < before


async def test_what_it_missed_is_told_by_versions(watch: WorkspaceWatch, server: Server):
    await begin(watch)
    assert await watch.missed() is None
    server.put("a")
    assert await watch.missed() == str(server.version)
