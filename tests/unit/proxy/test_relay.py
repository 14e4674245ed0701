"""A relay whose process stops: the client is told to leave between two frames, however the upstream's bytes are cut."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.relay import Relay
from guildnet_proxy.http.states.frames import GOING_AWAY
from unit.proxy.played import Side

MESSAGE = b"\x82\x7e\x01\x00" + b"x" * 256
NEXT = b"\x81\x02ok"


@pytest.fixture
async def ends() -> tuple[Relay[Any], Side, Side]:
    """A relay that follows the frames, its client and its upstream."""
    client, upstream = Side(), Side()
    relay: Relay[Any] = Relay(client, upstream, SimpleNamespace(), "", Limits(), lambda _: None)  # type: ignore[arg-type]
    relay.follow()
    return relay, client, upstream


async def test_between_two_frames_it_is_told_at_once_and_nothing_follows(ends: tuple[Relay[Any], Side, Side]):
    relay, client, upstream = ends
    upstream.protocol.data_received(MESSAGE)
    relay.leave()
    upstream.protocol.data_received(NEXT)
    assert client.written == MESSAGE + GOING_AWAY
    assert not client.closing


@pytest.mark.parametrize("cut", [1, 3, 4, 100, 259])
@pytest.mark.parametrize("behind", [b"", NEXT, NEXT[:1]], ids=["alone", "with another", "with a part of another"])
async def test_within_a_frame_it_is_told_at_the_frames_end(
    ends: tuple[Relay[Any], Side, Side], cut: int, behind: bytes
):
    relay, client, upstream = ends
    upstream.protocol.data_received(MESSAGE[:cut])
    relay.leave()
    assert (client.written, client.closing) == (MESSAGE[:cut], False)
    upstream.protocol.data_received(MESSAGE[cut:] + behind)
    upstream.protocol.data_received(NEXT)
    assert client.written == MESSAGE + GOING_AWAY
    assert (client.closing, upstream.closing) == (False, False)


async def test_who_is_told_later_answers_to_the_upstream(ends: tuple[Relay[Any], Side, Side]):
    relay, client, upstream = ends
    upstream.protocol.data_received(MESSAGE[:9])
    relay.leave()
    client.protocol.data_received(b"a ping")
    upstream.protocol.data_received(MESSAGE[9:])
    client.protocol.data_received(b"an answer")
    assert upstream.written == b"a pingan answer"
    assert relay.closing_since


async def test_where_the_place_is_not_known_both_ends_are_closed(ends: tuple[Relay[Any], Side, Side]):
    relay, client, upstream = ends
    upstream.protocol.data_received(b"hello")
    relay.leave()
    assert (client.written, client.closing, upstream.closing) == (b"hello", True, True)


async def test_where_the_place_is_lost_while_it_waits_both_ends_are_closed(ends: tuple[Relay[Any], Side, Side]):
    relay, client, upstream = ends
    upstream.protocol.data_received(MESSAGE[:1])
    relay.leave()
    upstream.protocol.data_received(b"\xff")
    assert (client.written, client.closing, upstream.closing) == (MESSAGE[:1] + b"\xff", True, True)
    await asyncio.sleep(0)


# ---- it stops while a frame is under way ----------------------------------------------------------------------------


@pytest.fixture
async def lost(monkeypatch: pytest.MonkeyPatch) -> tuple[Relay[Any], Side, Side, list[float]]:
    """One that began to follow within a frame; the clock is the test's."""
    clock = [100.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
    client, upstream = Side(), Side()
    relay: Relay[Any] = Relay(client, upstream, SimpleNamespace(), "", Limits(), lambda _: None)  # type: ignore[arg-type]
    upstream.protocol.data_received(MESSAGE[:9])
    relay.follow()
    upstream.protocol.data_received(MESSAGE[9:])
    assert relay.upstream.frames.lost  # type: ignore[attr-defined]
    return relay, client, upstream, clock


Lost = tuple[Relay[Any], Side, Side, list[float]]


async def test_an_upstream_that_has_been_silent_is_between_two_frames(lost: Lost):
    relay, client, _, clock = lost
    clock[0] += 1.1
    relay.leave()
    assert client.written == MESSAGE + GOING_AWAY
    assert not client.closing


async def test_what_an_upstream_says_after_a_silence_begins_with_a_frame(lost: Lost):
    relay, client, upstream, clock = lost
    clock[0] += 1.1
    client.protocol.data_received(b"a question")
    upstream.protocol.data_received(NEXT[:3])
    relay.leave()
    upstream.protocol.data_received(NEXT[3:] + MESSAGE)
    assert client.written == MESSAGE + NEXT + GOING_AWAY
    assert not client.closing


async def test_an_upstream_that_goes_on_talking_may_be_within_a_frame(lost: Lost):
    relay, client, upstream, clock = lost
    for _ in range(5):
        clock[0] += 0.9
        upstream.protocol.data_received(b"x")
    relay.leave()
    assert (client.written[-1:], client.closing, upstream.closing) == (b"x", True, True)


async def test_the_silence_of_an_upstream_that_is_not_read_says_nothing(lost: Lost):
    relay, client, upstream, clock = lost
    client.protocol.pause_writing()
    clock[0] += 5.0
    relay.leave()
    assert (client.written, client.closing, upstream.closing) == (MESSAGE, True, True)


async def test_an_upstream_is_not_silent_while_it_is_not_read(lost: Lost):
    relay, client, upstream, clock = lost
    client.protocol.pause_writing()
    clock[0] += 5.0
    client.protocol.resume_writing()
    upstream.protocol.data_received(NEXT)
    relay.leave()
    assert (client.written, client.closing, upstream.closing) == (MESSAGE + NEXT, True, True)
