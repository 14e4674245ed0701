"""Events of several viewers as one stream: ids, ends, cuts, and what happens when one breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_api.cluster.pods import Container, Pod
from guildnet_api.http.sse import Event, Ping, Retry
from guildnet_api.logs.model import Line, Run
from guildnet_api.logs.reader.cursor import StreamRequest
from guildnet_api.logs.reader.merged import MergedStream
from guildnet_api.logs.reader.stream_events import CUT_RETRY_MS, Cut, End, Lines, MergedLines, Status

POD = Pod(
    "p", "abcdefgh-1", "ws", "u", "n", "Running", "", deleting=False, resource_version="1",
    containers=tuple(Container(name, name == "init", "running", "", "", 0) for name in ("init", "main", "side")),
)  # fmt: skip


class Played:
    """A viewer that sends what it was given."""

    def __init__(self, *events: Event | Exception, stays: bool = False) -> None:
        self._events = events
        self._stays = stays
        self.closed = False

    async def events(self, _: Any) -> AsyncGenerator[Event, None]:
        try:
            for event in self._events:
                await asyncio.sleep(0)
                if isinstance(event, Exception):
                    raise event
                yield event
            if self._stays:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def lines(container: str, *numbers: int) -> Lines:
    run = Run(POD.uid, POD.name, container, 0)
    return Lines(run, [Line(f"{number}-0", b"data: {}\n\n", "info") for number in numbers], f"{numbers[-1]}-0")


async def read(resume: str = "", **viewers: Played) -> tuple[list[Event], dict[str, StreamRequest], dict[str, bool]]:
    """Everything that is sent, what each viewer was asked for, and which tells of the workspace."""
    requests: dict[str, StreamRequest] = {}
    primary: dict[str, bool] = {}

    def reader(request: StreamRequest) -> Played:
        name = request.container or "main"
        requests[name], primary[name] = request, request.events
        return viewers.get(name, Played())

    index: Any = SimpleNamespace(pod=lambda _: POD)
    wanted = StreamRequest("ws", tail=7, container="*", events=True, resume=resume)
    stream = MergedStream(wanted, index, reader, max_tail=1000)
    async with asyncio.timeout(5):
        events = [event async for event in stream.events(None)]
    return events, requests, primary


def ids(events: list[Event]) -> list[str]:
    """The ids as a client reads them off the bytes."""
    rows = b"".join(event.encode() for event in events).split(b"\n")
    return [row[4:].decode() for row in rows if row.startswith(b"id: ")]


async def test_an_id_names_the_last_place_in_every_container():
    events, requests, primary = await read(main=Played(lines("main", 1, 2)), side=Played(lines("side", 9)))
    assert set(ids(events)[-1].split(",")) == {"abcdefgh.0.main.2-0", "abcdefgh.0.side.9-0"}
    assert primary == {"main": True, "init": False, "side": False}
    assert {request.tail for request in requests.values()} == {7}


async def test_each_container_goes_on_at_its_own_place_and_a_silent_one_is_read_whole():
    resume = "abcdefgh.0.main.2-0,abcdefgh.0.side.9-0"
    events, requests, _ = await read(resume, main=Played(lines("main", 3)))
    assert {name: (request.resume, request.tail) for name, request in requests.items()} == {
        "main": ("abcdefgh.0.main.2-0", 7),
        "side": ("abcdefgh.0.side.9-0", 7),
        "init": ("", 1000),
    }
    assert ids(events) == ["abcdefgh.0.main.3-0,abcdefgh.0.side.9-0"]


@pytest.mark.parametrize("resume", ["nonsense", ",,", "a.b.c.1-0", "x,abcdefgh.0.main.-0"])
async def test_an_id_that_is_none_of_ours_is_none(resume: str):
    _, requests, _ = await read(resume)
    assert {(request.resume, request.tail) for request in requests.values()} == {("", 7)}


async def test_one_end_comes_when_all_have_ended():
    events, _, _ = await read(
        main=Played(End()), side=Played(lines("side", 1), End()), init=Played(lines("init", 1), End())
    )
    assert events[-1] == End()
    assert events.count(End()) == 1
    assert sum(isinstance(event, MergedLines) for event in events) == 2


async def test_what_is_not_about_lines_comes_of_the_primary_alone():
    status, other = Status("Waiting", "wait"), Status("NoPrevious", "none")
    said = (Retry(), status, Ping())
    events, _, _ = await read(main=Played(*said), side=Played(*said, other, End()), init=Played(other, End()))
    assert events == [*said, End()]


async def test_a_cut_ends_all_and_names_every_place():
    cut = Cut("slow", "too slow", "abcdefgh.0.side.9-0")
    main = Played(lines("main", 1), stays=True)
    events, _, _ = await read(
        main=main, side=Played(lines("side", 9), Ping(), Ping(), Ping(), cut), init=Played(stays=True)
    )
    told = events[-1]
    assert isinstance(told, Cut)
    assert told.reason == "slow"
    assert set(told.last_event_id.split(",")) == {"abcdefgh.0.main.1-0", "abcdefgh.0.side.9-0"}
    assert told.encode().startswith(Retry(CUT_RETRY_MS).encode())
    assert main.closed


async def test_one_that_breaks_breaks_the_stream_and_leaves_none_behind():
    main = Played(stays=True)
    with pytest.raises(RuntimeError, match="broken"):
        await read(main=main, side=Played(RuntimeError("broken")), init=Played(stays=True))
    assert main.closed
