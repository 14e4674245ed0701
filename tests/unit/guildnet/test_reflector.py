"""The reflector against a scripted API: what it tells, what it keeps, what it survives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from guildnet import pace
from guildnet.errors import Denied, Gone, GuildNetError, Invalid, NotFound, Silent, TooManyRequests, Unreachable
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import CONFIGMAPS, Resource
from support.waiting import eventually

Item = dict[str, Any]


def item(name: str, version: int, uid: str = "", **data: Any) -> Item:
    meta = {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version), "namespace": "ns"}
    return {"metadata": meta, "data": data}


def page(version: int, *items: Item, more: str = "") -> Item:
    return {"metadata": {"resourceVersion": str(version), "continue": more}, "items": list(items)}


class Stop:
    """End of a scripted watch: the server closes the stream."""


class Script:
    """Stands in for the client: answers lists and watches from queues, remembers what was asked."""

    def __init__(self) -> None:
        self.lists: asyncio.Queue[Item | GuildNetError] = asyncio.Queue()
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.watching = 0
        self.refusals: list[GuildNetError] = []
        """Answers to the next watches, which do not begin."""

    async def list(self, _resource: Resource, _namespace: str | None, **query: Any) -> Item:
        self.asked.append(("list", {key: value for key, value in query.items() if value is not None}))
        answer = await self.lists.get()
        if isinstance(answer, GuildNetError):
            raise answer
        return answer

    async def stream(
        self, path: str, query: dict[str, Any], *, idle: float | None, begun: Callable[[], None]
    ) -> AsyncIterator[bytes]:
        self.asked.append(("watch", {**query, "idle": idle}))
        if self.refusals:
            raise self.refusals.pop(0)
        begun()
        self.watching += 1
        try:
            while True:
                event = await self.events.get()
                if isinstance(event, Stop):
                    return
                if isinstance(event, GuildNetError):
                    raise event
                yield event if isinstance(event, bytes) else json.dumps(event).encode()
        finally:
            self.watching -= 1

    def asks(self, kind: str) -> Sequence[dict[str, Any]]:
        return [query for asked, query in self.asked if asked == kind]

    def event(self, type_: str, obj: Item) -> None:
        self.events.put_nowait({"type": type_, "object": obj})

    def bookmark(self, version: int) -> None:
        self.event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


class Scene:
    def __init__(self, **options: Any) -> None:
        self.script = Script()
        self.changes: list[Change[Any]] = []
        self.now = 0.0
        self.reflector: Reflector[Any] = Reflector(
            self.script,  # type: ignore[arg-type]
            CONFIGMAPS,
            namespace=options.pop("namespace", "ns"),
            parse=options.pop("parse", lambda obj: obj["data"].get("v")),
            on_change=options.pop("on_change", self.changes.append),
            clock=lambda: self.now,
            **options,
        )

    def told(self) -> list[tuple[str, str, Any, Any]]:
        return [(change.kind, change.key, change.old, change.new) for change in self.changes]

    async def synced(self, *items: Item, version: int = 10) -> None:
        """Answer the next list and wait until the watch has begun."""
        self.script.lists.put_nowait(page(version, *items))
        await eventually(lambda: self.script.watching == 1 and self.reflector.resource_version == str(version))

    async def until(self, count: int) -> None:
        await eventually(lambda: len(self.changes) >= count)


@asynccontextmanager
async def playing(**options: Any) -> AsyncIterator[Scene]:
    scene = Scene(**options)
    task = asyncio.create_task(scene.reflector.run())
    try:
        yield scene
        assert not task.done(), "the reflector ended"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert scene.script.watching == 0, "a watch was left open"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(pace, "MAX_PAUSE_SECONDS", 0.01)


async def test_a_list_fills_the_store_and_then_says_synced() -> None:
    async with playing() as scene:
        assert not scene.reflector.synced.is_set()
        await scene.synced(item("a", 1, v=1), item("b", 2, v=2))
        assert dict(scene.reflector.store) == {"a": 1, "b": 2}
        assert scene.told() == [("added", "a", None, 1), ("added", "b", None, 2), ("synced", "", None, None)]
        assert scene.reflector.synced.is_set()


async def test_pages_are_put_together() -> None:
    async with playing(page=2) as scene:
        scene.script.lists.put_nowait(page(10, item("a", 1), item("b", 2), more="next"))
        await scene.synced(item("c", 3))
        assert set(scene.reflector.store) == {"a", "b", "c"}
        assert [query.get("continue_") for query in scene.script.asks("list")] == [None, "next"]
        assert all(query["limit"] == 2 for query in scene.script.asks("list"))


async def test_a_list_whose_pages_expire_is_taken_in_one_piece() -> None:
    async with playing() as scene:
        scene.script.lists.put_nowait(page(10, item("gone", 1), more="next"))
        scene.script.lists.put_nowait(Gone("expired"))
        await scene.synced(item("a", 2))
        assert set(scene.reflector.store) == {"a"}
        assert "limit" not in scene.script.asks("list")[-1]


async def test_the_watch_asks_for_bookmarks_from_the_lists_version_with_the_selectors() -> None:
    async with playing(label_selector="a=b", field_selector="c=d", silence=7.0) as scene:
        await scene.synced(version=42)
        (asked,) = scene.script.asks("watch")
        assert asked["resourceVersion"] == "42"
        assert asked["allowWatchBookmarks"] is True
        assert (asked["labelSelector"], asked["fieldSelector"], asked["idle"]) == ("a=b", "c=d", 7.0)
        assert 300 <= asked["timeoutSeconds"] <= 600


async def test_every_event_is_told_once_with_old_and_new() -> None:
    async with playing() as scene:
        await scene.synced()
        scene.script.event("ADDED", item("a", 11, v=1))
        scene.script.event("MODIFIED", item("a", 12, v=2))
        scene.script.event("MODIFIED", item("a", 12, v=2))
        scene.script.event("DELETED", item("a", 13, v=2))
        scene.script.event("DELETED", item("never", 14))
        scene.script.bookmark(20)
        await eventually(lambda: scene.reflector.resource_version == "20")
        assert scene.told()[1:] == [("added", "a", None, 1), ("modified", "a", 1, 2), ("deleted", "a", 2, None)]
        assert not scene.reflector.store


async def test_a_recreated_object_is_a_deletion_and_an_addition_even_in_one_event() -> None:
    async with playing() as scene:
        await scene.synced(item("a", 1, "old", v=1))
        scene.script.event("MODIFIED", item("a", 12, "new", v=2))
        await scene.until(4)
        assert scene.told()[2:] == [("deleted", "a", 1, None), ("added", "a", None, 2)]


async def test_a_watch_that_ends_goes_on_at_the_last_version() -> None:
    async with playing() as scene:
        await scene.synced()
        scene.script.bookmark(33)
        scene.script.events.put_nowait(Stop())
        await eventually(lambda: len(scene.script.asks("watch")) == 2)
        assert scene.script.asks("watch")[1]["resourceVersion"] == "33"
        assert len(scene.script.asks("list")) == 1


async def test_an_event_that_never_came_is_made_up_for_when_an_old_watch_ends() -> None:
    async with playing(renewal=300.0) as scene:
        await scene.synced(item("lost", 1, v=1), item("kept", 2, v=2))
        scene.now = 300.0
        # "lost" went and "new" came without a word; the watch ends at its time, as every watch does.
        scene.script.bookmark(33)
        scene.script.events.put_nowait(Stop())
        await scene.synced(item("kept", 2, v=2), item("new", 20, v=3), version=34)
        assert scene.told()[3:] == [("deleted", "lost", 1, None), ("added", "new", None, 3), ("synced", "", None, None)]


async def test_a_silent_watch_is_no_failure_but_a_list_has_to_say_what_is_there() -> None:
    """A kind of which no bookmarks come would otherwise be asked for ever more seldom, and look older and older."""
    async with playing() as scene:
        await scene.synced(item("lost", 1, v=1))
        for round_ in range(1, 4):
            scene.now += 70.0
            scene.script.events.put_nowait(Silent("nothing for 70 s"))
            await scene.synced(item(f"n{round_}", 20 + round_, v=round_), version=20 + round_)
            assert scene.reflector.age() == 0.0
            assert (scene.reflector.silences, scene.reflector.last_error) == (round_, None)
        assert dict(scene.reflector.store) == {"n3": 3}
        assert scene.reflector._retry.failures == 0


async def test_a_silent_watch_whose_list_does_not_come_either_is_an_outage() -> None:
    async with playing() as scene:
        await scene.synced(item("a", 1, v=1))
        scene.now = 70.0
        scene.script.events.put_nowait(Silent("nothing for 70 s"))
        await eventually(lambda: isinstance(scene.reflector.last_error, Silent))
        scene.script.lists.put_nowait(Unreachable("refused"))
        await eventually(lambda: str(scene.reflector.last_error) == "refused")
        assert scene.reflector.age() == 70.0
        assert dict(scene.reflector.store) == {"a": 1}


async def test_a_broken_watch_goes_on_at_the_last_version_and_keeps_the_store() -> None:
    async with playing() as scene:
        await scene.synced(item("a", 1, v=1))
        for _ in range(3):
            scene.script.events.put_nowait(Unreachable("cut"))
        await eventually(lambda: len(scene.script.asks("watch")) == 4)
        assert dict(scene.reflector.store) == {"a": 1}
        assert scene.reflector.snapshot() == (1,)
        assert len(scene.script.asks("list")) == 1


EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
FORGOTTEN: list[Any] = [
    Invalid("resourceVersion: Invalid value"),
    {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}},
    Gone("too old"),
    {"type": "ERROR", "object": EXPIRED},
    b"{not json",
    b'{"type": "ADDED"}',
    {"type": "ADDED", "object": {"metadata": {}}},
]


@pytest.mark.parametrize("last", FORGOTTEN, ids=repr)
async def test_a_forgotten_version_lists_again_and_tells_what_was_missed(last: Any) -> None:
    async with playing() as scene:
        await scene.synced(
            item("kept", 1, v=1), item("gone", 2, v=2), item("changed", 3, v=3), item("again", 4, "old", v=4)
        )
        before = len(scene.changes)
        scene.script.events.put_nowait(last)
        await scene.synced(
            item("kept", 1, v=1),
            item("changed", 13, v=33),
            item("again", 14, "new", v=44),
            item("new", 15, v=5),
            version=20,
        )
        assert scene.told()[before:] == [
            ("deleted", "gone", 2, None),
            ("modified", "changed", 3, 33),
            ("deleted", "again", 4, None),
            ("added", "again", None, 44),
            ("added", "new", None, 5),
            ("synced", "", None, None),
        ]
        assert scene.script.asks("watch")[-1]["resourceVersion"] == "20"


async def test_other_errors_in_the_stream_do_not_list_again() -> None:
    async with playing() as scene:
        await scene.synced()
        scene.script.event("ERROR", {"code": 500, "message": "etcd is on fire"})
        await eventually(lambda: len(scene.script.asks("watch")) == 2)
        assert len(scene.script.asks("list")) == 1


OUTAGES = [
    Unreachable("down"),
    NotFound("404 page not found"),
    TooManyRequests("storage is (re)initializing", retry_after=0.001),
    Denied("cannot list"),
]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
async def test_it_keeps_asking_whatever_the_server_answers(outage: GuildNetError) -> None:
    async with playing() as scene:
        for _ in range(30):
            scene.script.lists.put_nowait(outage)
        await scene.synced(item("a", 1, v=1))
        assert scene.reflector.last_error is None
        assert scene.reflector.snapshot() == (1,)


async def test_what_cannot_be_read_is_none_and_what_is_merely_old_is_not() -> None:
    async with playing() as scene:
        assert scene.reflector.snapshot() is None
        await scene.synced(item("a", 1, v=1))
        scene.script.events.put_nowait(Gone("too old"))
        scene.script.lists.put_nowait(Unreachable("down"))
        await eventually(lambda: isinstance(scene.reflector.last_error, Unreachable))
        assert scene.reflector.snapshot() == (1,)
        scene.script.lists.put_nowait(Denied("cannot list"))
        await eventually(lambda: isinstance(scene.reflector.last_error, Denied))
        assert scene.reflector.snapshot() is None


async def test_its_age_is_the_time_since_the_server_last_spoke() -> None:
    async with playing() as scene:
        assert scene.reflector.age() == float("inf")
        scene.now = 100.0
        await scene.synced()
        scene.now = 130.0
        assert scene.reflector.age() == 30.0
        scene.script.bookmark(11)
        await eventually(lambda: scene.reflector.age() == 0.0)


def picky(obj: Item) -> Any:
    if obj["data"].get("v") == "bad":
        raise ValueError("no good")
    return obj["data"].get("v")


async def test_a_watch_that_was_refused_and_then_begins_makes_the_copy_live_before_it_brings_anything() -> None:
    """In a quiet cluster the first word is a bookmark after a minute."""
    async with playing() as scene:
        scene.script.refusals = [TooManyRequests("storage is (re)initializing", retry_after=0.001), Denied("not yet")]
        await scene.synced(item("a", 1, v=1))
        assert len(scene.script.asks("watch")) == 3
        assert (scene.reflector.last_error, scene.reflector.snapshot()) == (None, (1,))
        scene.now = 30.0
        scene.script.refusals = [Unreachable("cut")]
        scene.script.events.put_nowait(Unreachable("cut"))
        await eventually(lambda: len(scene.script.asks("watch")) == 5 and scene.script.watching)
        assert (scene.reflector.last_error, scene.reflector.age()) == (None, 0.0)
        assert scene.reflector._retry.failures == 4, "that it began does not make it stable"


async def test_a_watch_that_ends_as_soon_as_it_begins_is_a_failure_each_time() -> None:
    async with playing() as scene:
        await scene.synced()
        for _ in range(3):
            scene.script.events.put_nowait(Stop())
        await eventually(lambda: len(scene.script.asks("watch")) == 4 and scene.script.watching)
        assert scene.reflector._retry.failures == 3


async def test_an_object_nobody_can_read_is_left_out_and_named() -> None:
    async with playing(parse=picky) as scene:
        await scene.synced(item("a", 1, v=1), item("b", 2, v="bad"))
        assert dict(scene.reflector.store) == {"a": 1}
        assert scene.reflector.broken == {"b": "no good"}
        scene.script.event("MODIFIED", item("a", 11, v="bad"))
        scene.script.event("MODIFIED", item("b", 12, v=2))
        await eventually(lambda: "b" in scene.reflector.store)
        assert dict(scene.reflector.store) == {"b": 2}
        assert set(scene.reflector.broken) == {"a"}
        scene.script.event("DELETED", item("a", 13, v="bad"))
        scene.script.bookmark(14)
        await eventually(lambda: scene.reflector.resource_version == "14")
        assert scene.reflector.broken == {}
        assert ("deleted", "a", 1, None) in scene.told()


async def test_a_listener_that_fails_does_not_end_the_copy() -> None:
    told: list[str] = []

    def listener(change: Change[Any]) -> None:
        told.append(change.kind)
        raise RuntimeError("listener")

    async with playing(on_change=listener) as scene:
        await scene.synced(item("a", 1, v=1))
        assert told == ["added", "synced"]


async def test_watched_in_all_namespaces_keys_carry_the_namespace() -> None:
    async with playing(namespace=None) as scene:
        await scene.synced(item("a", 1, v=1))
        assert set(scene.reflector.store) == {"ns/a"}


async def test_the_store_cannot_be_written_by_readers() -> None:
    async with playing() as scene:
        await scene.synced(item("a", 1))
        with pytest.raises(TypeError):
            scene.reflector.store["x"] = 1  # type: ignore[index]


async def test_an_event_makes_what_failed_before_forgotten() -> None:
    async with playing() as scene:
        await scene.synced()
        for _ in range(3):
            scene.script.events.put_nowait(Unreachable("cut"))
        await eventually(lambda: scene.reflector._retry.failures == 3 and scene.script.watching)
        scene.script.bookmark(11)
        await eventually(lambda: scene.reflector._retry.failures == 0)


async def test_a_server_that_lists_but_refuses_every_watch_is_asked_ever_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(pace, "MAX_PAUSE_SECONDS", 10.0)
    pauses: list[float] = []
    real: Callable[[float], Any] = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real(0)

    scene = Scene()
    for version in range(1, 7):
        scene.script.lists.put_nowait(page(version))
        scene.script.events.put_nowait(Gone("too old"))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    running = asyncio.ensure_future(scene.reflector.run())
    while len(pauses) < 6:
        await real(0)
    running.cancel()
    for attempt, pause in enumerate(pauses[:6]):
        assert 0.1 * 2**attempt <= pause <= 0.2 * 2**attempt


@pytest.mark.parametrize(("newest", "missed"), [(10, None), (11, "11"), (9, None)])
async def test_a_silent_watch_has_missed_something_only_where_the_server_is_further(newest: int, missed: str | None):
    async with playing() as scene:
        await scene.synced()
        scene.script.lists.put_nowait(page(newest))
        assert await scene.reflector.missed() == missed
        assert scene.script.asks("list")[-1] == {"limit": 1}
