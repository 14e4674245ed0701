"""The stream of workspaces as one reader sees it: by the clock, by its rights, and after it was away."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet import workspace
from guildnet_api.cluster.index import Rights, WorkspaceIndex
from guildnet_api.handlers import server_stream
from guildnet_api.handlers.server_stream import BLOCK_BYTES, COALESCE_SECONDS, WAKE_SECONDS, ServerStream
from guildnet_api.http import sse
from guildnet_api.http.event_stream import SHUTDOWN_RETRY_MS

MAX_SILENCE_SECONDS = 20.0
"""What is promised."""
EVERY = Rights("every")
NONE = Rights("none", lambda _: False)
OURS = Rights("ours", lambda ws: ws.labels.get("of") == "us")


def put(index: WorkspaceIndex, version: int, name: str = "ws", of: str = "us") -> None:
    meta = {
        "name": name, "namespace": "n", "uid": f"uid-of-{name}", "resourceVersion": str(version), "labels": {"of": of},
    }  # fmt: skip
    index.put_workspace(workspace.parse({"metadata": meta, "spec": {"image": "acme/tool:1"}}))


class Played:
    """A reader of an index; what it may list is `rights`."""

    def __init__(self, index: WorkspaceIndex, rights: Rights, since: str = "", ends_at: float = math.inf) -> None:
        self.rights = rights
        self.stale = 0
        self.blocks: list[tuple[float, bytes]] = []
        self.clock: Callable[[], float] = lambda: 0.0
        supervisor: Any = SimpleNamespace(closed=False, end_of_life=lambda: ends_at)
        self._stream = ServerStream(index, supervisor, lambda: self.rights, lambda: self.stale, None, since)

    async def read(self) -> None:
        async for event in self._stream.events():
            self.blocks.append((self.clock(), event.encode()))

    @property
    def text(self) -> str:
        return b"".join(data for _, data in self.blocks).decode()

    @property
    def last_id(self) -> str:
        return re.findall(r"^id: (.*)$", self.text, re.MULTILINE)[-1]

    @property
    def told(self) -> list[tuple[str, Any]]:
        """Each event by name, with its id or, of `synced`, its ids."""
        found = re.findall(r"event: (\w+)\ndata: (.*)\n", self.text)
        return [(kind, data.get("id", data.get("ids"))) for kind, data in ((k, json.loads(d)) for k, d in found)]


@asynccontextmanager
async def reading(index: WorkspaceIndex, rights: Rights, since: str = "", **given: Any) -> AsyncIterator[Played]:
    played = Played(index, rights, since, **given)
    task = asyncio.create_task(played.read())
    try:
        await settle()
        yield played
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settle() -> None:
    await asyncio.sleep(COALESCE_SECONDS * 1.5)


# ---- by the clock ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rights", [EVERY, NONE], ids=["a change a second", "every change is hidden"])
async def test_a_stream_is_never_silent_for_longer_than_is_promised(monkeypatch: pytest.MonkeyPatch, rights: Rights):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(server_stream, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(server_stream, "COALESCE_SECONDS", 0)
    index = WorkspaceIndex()
    played = Played(index, rights)
    played.clock = lambda: clock.now
    task = asyncio.create_task(played.read())
    for second in range(1, 100):
        for _ in range(5):
            await asyncio.sleep(0)
        clock.now = float(second)
        put(index, second)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    times = [at for at, _ in played.blocks[1:]]
    assert (
        max(after - before for before, after in zip(times, [*times[1:], clock.now], strict=True)) <= MAX_SILENCE_SECONDS
    )
    if rights is NONE:
        assert {data for _, data in played.blocks[2:]} == {sse.Ping().encode()}


async def test_a_silent_stream_is_woken_often_enough_for_its_pings():
    """A ping comes at the first waking after the silence it waits for."""
    assert sse.PING_SECONDS + WAKE_SECONDS / 2 <= MAX_SILENCE_SECONDS


async def test_a_stream_ends_in_time_and_says_when_to_come_back():
    async with reading(WorkspaceIndex(), EVERY, ends_at=-1.0) as played:
        assert played.blocks[-1][1] == sse.Retry(SHUTDOWN_RETRY_MS).encode()


async def test_what_changes_in_a_moment_is_sent_together():
    index = WorkspaceIndex()
    async with reading(index, EVERY) as played:
        before, began = len(played.blocks), time.monotonic()
        put(index, 1, "first")
        for version in range(2, 500):
            await asyncio.sleep(0)
            put(index, version, f"w{version % 5}")
        await settle()
        blocks = len(played.blocks) - before
        assert blocks <= (time.monotonic() - began) / COALESCE_SECONDS + 1
        names = [name for kind, name in played.told if kind == "server"]
        assert set(names) == {"first", "w0", "w1", "w2", "w3", "w4"}
        assert len(names) <= 6 * blocks


async def test_a_long_list_comes_in_blocks_and_its_id_with_the_last_alone():
    index = WorkspaceIndex()
    for number in range(2000):
        put(index, number + 1, f"w{number}")
    async with reading(index, EVERY) as played:
        assert len(played.told) == 2001
        assert all(len(data) <= BLOCK_BYTES * 2 for _, data in played.blocks)
        assert ["id: " in data.decode() for _, data in played.blocks] == [*[False] * (len(played.blocks) - 1), True]


# ---- by its rights --------------------------------------------------------------------------------------------------


async def test_nothing_is_told_of_a_workspace_that_the_reader_may_not_list():
    index = WorkspaceIndex()
    put(index, 1, "ours-1")
    put(index, 2, "alices-secret-merger", of="them")
    async with reading(index, OURS) as played:
        put(index, 3, "alices-secret-merger", of="them")
        await settle()
        index.drop_workspace("alices-secret-merger")
        put(index, 5, "another-of-them", of="them")
        await settle()
        assert played.told == [("server", "ours-1"), ("synced", ["ours-1"])]


async def test_a_workspace_that_is_taken_out_of_a_readers_sight_is_gone_for_it_once():
    index = WorkspaceIndex()
    put(index, 1, "moved")
    async with reading(index, OURS) as played:
        for version in (2, 3):
            put(index, version, "moved", of="them")
            await settle()
        index.drop_workspace("moved")
        await settle()
        assert played.told[2:] == [("gone", "moved")]


async def test_a_reader_with_every_right_is_told_of_every_deletion():
    index = WorkspaceIndex()
    put(index, 1, "a", of="them")
    async with reading(index, EVERY) as played:
        index.drop_workspace("a")
        await settle()
        assert played.told[-1] == ("gone", "a")


@pytest.mark.parametrize(
    ("rights", "since"),
    [(OURS, "every"), (EVERY, "ours"), (EVERY, ""), (EVERY, "nonsense")],
    ids=["narrowed", "widened", "of an older version", "of nobody"],
)
async def test_who_comes_back_under_other_rights_is_sent_everything(rights: Rights, since: str):
    index = WorkspaceIndex()
    put(index, 1, "a")
    put(index, 2, "b", of="them")
    identifier = f"{index.position}.{since}"
    async with reading(index, rights, identifier) as played:
        assert played.told[-1][0] == "synced"
        assert played.told[-1][1] == (["a"] if rights is OURS else ["a", "b"])


async def test_rights_that_change_meanwhile_bring_everything_again():
    index = WorkspaceIndex()
    put(index, 1, "a")
    put(index, 2, "b", of="them")
    async with reading(index, EVERY) as played:
        played.rights = OURS
        index.signal.notify()
        await settle()
        assert played.told[-1] == ("synced", ["a"])
        assert played.last_id.endswith(".ours")


# ---- after it was away ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rights", [EVERY, OURS], ids=["every right", "some rights"])
async def test_who_comes_back_is_told_what_it_missed_and_no_more(rights: Rights):
    index = WorkspaceIndex()
    for version, name in enumerate("abc", start=1):
        put(index, version, name)
    async with reading(index, rights) as played:
        last = played.last_id
    put(index, 4, "b")
    index.drop_workspace("c")
    async with reading(index, rights, last) as again:
        assert again.told == [("server", "b"), ("gone", "c"), ("synced", None)]
        put(index, 6, "a")
        index.drop_workspace("b")
        await settle()
        assert again.told[3:] == [("server", "a"), ("gone", "b")]


async def test_who_comes_back_after_something_was_hidden_is_sent_all_that_it_may_list():
    """Whether it could see that before is not known any more: neither its name nor its being gone may be told."""
    index = WorkspaceIndex()
    put(index, 1, "a")
    put(index, 2, "b")
    async with reading(index, OURS) as played:
        last = played.last_id
    put(index, 3, "b", of="them")
    put(index, 4, "c", of="them")
    async with reading(index, OURS, last) as again:
        assert again.told == [("server", "a"), ("synced", ["a"])]


async def test_what_was_deleted_unseen_is_not_told_to_who_comes_back():
    index = WorkspaceIndex()
    put(index, 1, "a")
    put(index, 2, "theirs", of="them")
    async with reading(index, OURS) as played:
        last = played.last_id
    index.drop_workspace("theirs")
    async with reading(index, OURS, last) as again:
        assert again.told == [("synced", None)]
