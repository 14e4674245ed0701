"""What ends is free at once: nothing of it holds itself in a circle that waits for the garbage collector.

The process sets that to look after 50,000 objects only (`collect_less`), so circles would be its memory.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.chunks import Chunks
from guildnet_proxy.http.relay import Relay
from guildnet_proxy.http.tunnel.relay import Tunnel
from unit.proxy.played import Side


def left_in_circles(play: Callable[[], None]) -> set[str]:
    """The names of our classes of which `play` leaves objects that only the garbage collector can find."""
    gc.collect()
    gc.disable()
    try:
        play()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        return {type(one).__name__ for one in gc.garbage if type(one).__module__.startswith("guildnet_proxy")}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("kind", [Relay, Tunnel])
@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("first", ["client", "upstream"])
async def test_a_relay_that_ended(kind: type[Relay[Any]], followed: bool, first: str):
    ended = []

    def play() -> None:
        sides = {"client": Side(), "upstream": Side()}
        relay: Relay[Any] = kind(
            sides["client"], sides["upstream"], SimpleNamespace(), "", Limits(), lambda _: ended.append(1)  # type: ignore[arg-type]
        )  # fmt: skip
        if followed:
            relay.follow()
        relay.begin(b"", b"")
        sides.pop(first).lose()
        sides.popitem()[1].lose()
        # Who still has it may close it: it is gone, and nothing happens.
        relay.sweep(1e9)
        relay.leave()
        relay.close()
        relay.abort()

    assert left_in_circles(play) == set()
    assert ended == [1]


@pytest.mark.parametrize("framed", [False, True])
def test_a_body_that_was_decoded(framed: bool):
    payload = []

    def play() -> None:
        body = Chunks(Limits(), framed=framed)
        payload.append(body.feed(b"3;ext=1\r\nabc\r\n0\r\n\r\n"))
        assert body.done

    assert left_in_circles(play) == set()
    assert b"abc" in payload[0]


def test_a_circle_is_found():
    def play() -> None:
        circle: list[Any] = [Chunks(Limits(), framed=True)]
        circle.append(circle)

    assert "Chunks" in left_in_circles(play)
