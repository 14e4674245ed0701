"""Blocks of several viewers as one stream: ids, ends, cuts, and what happens when one breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_api.cluster.pods import Container, Pod
from guildnet_api.http import sse
from guildnet_api.http.sse import END
from guildnet_api.logs.cursor import Wish
from guildnet_api.logs.merged import Several

POD = Pod(
    "p", "abcdefgh-1", "ws", "u", "n", "Running", "", deleting=False, resource_version="1",
    containers=tuple(Container(name, name == "init", "running", "", "", 0) for name in ("init", "main", "side")),
)  # fmt: skip


class Played:
    """A viewer that sends what it was given."""

    def __init__(self, *blocks: bytes | Exception, stays: bool = False) -> None:
        self._blocks = blocks
        self._stays = stays
        self.closed = False

    async def blocks(self, _: Any) -> AsyncGenerator[bytes, None]:
        try:
            for block in self._blocks:
                await asyncio.sleep(0)
                if isinstance(block, Exception):
                    raise block
                yield block
            if self._stays:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def line(container: str, number: int) -> bytes:
    return sse.frame(b"{}", identifier=f"abcdefgh.0.{container}.{number}-0")


async def read(resume: str = "", **viewers: Played) -> tuple[list[bytes], dict[str, Wish], dict[str, bool]]:
    """Everything that is sent, what each viewer was asked for, and which was the lead."""
    wishes: dict[str, Wish] = {}
    leads: dict[str, bool] = {}

    def reader(wish: Wish) -> Played:
        name = wish.container or "main"
        wishes[name], leads[name] = wish, wish.events
        return viewers.get(name, Played())

    roster: Any = SimpleNamespace(pod=lambda _: POD)
    several = Several(Wish("ws", tail=7, container="*", events=True, resume=resume), roster, reader, most=1000)
    async with asyncio.timeout(5):
        blocks = [block async for block in several.blocks(None)]
    return [block for block in blocks if block], wishes, leads


def ids(blocks: list[bytes]) -> list[str]:
    return [row[4:].decode() for block in blocks for row in block.split(b"\n") if row.startswith(b"id: ")]


async def test_an_id_names_the_last_place_in_every_container():
    blocks, wishes, leads = await read(main=Played(line("main", 1) + line("main", 2)), side=Played(line("side", 9)))
    assert set(ids(blocks)[-1].split(",")) == {"abcdefgh.0.main.2-0", "abcdefgh.0.side.9-0"}
    assert leads == {"main": True, "init": False, "side": False}
    assert {wish.tail for wish in wishes.values()} == {7}


async def test_each_container_goes_on_at_its_own_place_and_a_silent_one_is_read_whole():
    resume = "abcdefgh.0.main.2-0,abcdefgh.0.side.9-0"
    blocks, wishes, _ = await read(resume, main=Played(line("main", 3)))
    assert {name: (wish.resume, wish.tail) for name, wish in wishes.items()} == {
        "main": ("abcdefgh.0.main.2-0", 7),
        "side": ("abcdefgh.0.side.9-0", 7),
        "init": ("", 1000),
    }
    assert ids(blocks) == ["abcdefgh.0.main.3-0,abcdefgh.0.side.9-0"]


@pytest.mark.parametrize("resume", ["nonsense", ",,", "a.b.c.1-0", "x,abcdefgh.0.main.-0"])
async def test_an_id_that_is_none_of_ours_is_none(resume: str):
    _, wishes, _ = await read(resume)
    assert {(wish.resume, wish.tail) for wish in wishes.values()} == {("", 7)}


async def test_one_end_comes_when_all_have_ended():
    blocks, _, _ = await read(main=Played(END), side=Played(line("side", 1), END), init=Played(line("init", 1) + END))
    assert blocks[-1] == END
    assert b"".join(blocks).count(b"event: end") == 1


async def test_what_is_not_about_lines_comes_of_the_lead_alone():
    status = sse.frame(b'{"reason":"Waiting"}', event="status")
    other = sse.frame(b'{"reason":"NoPrevious"}', event="status") + END
    said = (sse.retry(), status, sse.PING)
    blocks, _, _ = await read(main=Played(*said), side=Played(*said, other), init=Played(other))
    assert blocks == [*said, END]


async def test_a_cut_ends_all_and_names_every_place():
    cut = sse.retry(1000) + sse.frame(b'{"reason":"slow","lastEventId":"abcdefgh.0.side.9-0"}', event="cut")
    main = Played(line("main", 1), stays=True)
    blocks, _, _ = await read(
        main=main, side=Played(line("side", 9), *[b": ping\n\n"] * 3, cut), init=Played(stays=True)
    )
    told = json.loads(blocks[-1].rpartition(b"data: ")[2])
    assert told["reason"] == "slow"
    assert set(told["lastEventId"].split(",")) == {"abcdefgh.0.main.1-0", "abcdefgh.0.side.9-0"}
    assert main.closed


async def test_one_that_breaks_breaks_the_stream_and_leaves_none_behind():
    main = Played(stays=True)
    with pytest.raises(RuntimeError, match="broken"):
        await read(main=main, side=Played(RuntimeError("broken")), init=Played(stays=True))
    assert main.closed
