"""Where a WebSocket is between two frames: wherever the bytes are cut, and whatever comes that is no frame."""

from __future__ import annotations

import pytest

from guildnet_proxy.http.states.frames import GOING_AWAY, Frames

SHORT = b"\x81\x05hello"
EMPTY = b"\x89\x00"
LONG = b"\x82\x7e\x01\x00" + b"x" * 256
HUGE = b"\xc2\x7f" + (70_000).to_bytes(8) + b"y" * 70_000
STREAM = SHORT + EMPTY + LONG + b"\x01\x01a" + b"\x80\x01b" + HUGE
ENDS = {0, 7, 9, 269, 272, 275, 275 + 10 + 70_000}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096, len(STREAM)])
def test_it_is_between_frames_at_their_ends_and_nowhere_else(size: int) -> None:
    frames, at = Frames(between=True), 0
    while at < len(STREAM):
        assert frames.between is (at in ENDS), at
        frames.feed(STREAM[at : at + size])
        at = min(at + size, len(STREAM))
    assert frames.between


@pytest.mark.parametrize(
    "data", [b"\x83\x00", b"\xa1\x00", b"\x91\x00", b"\x81\x80", b"hello"],
    ids=["opcode", "rsv2", "rsv3", "masked", "text"],
)  # fmt: skip
def test_what_is_no_servers_frame_says_that_the_place_is_not_known(data: bytes) -> None:
    frames = Frames(between=True)
    frames.feed(data)
    frames.feed(SHORT)
    assert not frames.between


def test_where_the_place_is_not_known_at_first_it_never_is() -> None:
    frames = Frames(between=False)
    frames.feed(SHORT)
    assert not frames.between


def test_the_frame_of_ours_is_one_itself() -> None:
    frames = Frames(between=True)
    frames.feed(GOING_AWAY)
    assert frames.between
    assert int.from_bytes(GOING_AWAY[2:]) == 1001


@pytest.mark.parametrize("begun", [1, 3, 100, len(LONG) - 1])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_what_is_left_of_a_frame_ends_where_the_frame_does(begun: int, size: int) -> None:
    frames, taken = Frames(between=True), begun
    frames.feed(LONG[:begun])
    while not frames.between:
        taken += frames.finish((LONG + SHORT)[taken : taken + size])
    assert taken == len(LONG)
    assert frames.finish(SHORT) == 0
