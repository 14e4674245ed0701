"""Log lines: kubelet's framing, ids and their order, levels, the ring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_api.logs.model import Line, Run, id_key
from guildnet_api.logs.redis import keys
from guildnet_api.logs.ring import Ring
from guildnet_api.logs.source.kubelet import parse_kube_line
from guildnet_api.logs.source.levels import LEVELS, infer_level

SECOND = 1_795_514_400_000_000_000  # 2026-11-24T10:00:00Z
FRAMED = [
    (b"2026-11-24T10:00:00.123456789Z hello", SECOND + 123_456_789, b"hello"),
    (b"2026-11-24T10:00:00.1Z hello\n", SECOND + 100_000_000, b"hello"),
    (b"2026-11-24T10:00:00Z hello", SECOND, b"hello"),
    (b"2026-11-24T11:00:00.5+01:00 hello", SECOND + 500_000_000, b"hello"),
    (b"2026-11-24T05:30:00-04:30 hello", SECOND, b"hello"),
    (b"2026-11-24T10:00:00Z ", SECOND, b""),
    (b"2026-11-24T10:00:00Z", SECOND, b""),
    (b"2026-11-24T10:00:00Z  two spaces", SECOND, b" two spaces"),
    (b"2026-11-24T10:00:00Z \xff\xfe\r", SECOND, b"\xff\xfe\r"),
    (b"no time at all\n", 0, b"no time at all"),
    (b"", 0, b""),
    (b"2026-11-24 10:00:00Z x", 0, b"2026-11-24 10:00:00Z x"),
]


@pytest.mark.parametrize(("raw", "time_ns", "text"), FRAMED)
def test_a_line_of_kubelet_is_its_time_and_its_bytes(raw: bytes, time_ns: int, text: bytes) -> None:
    assert parse_kube_line(raw) == (time_ns, text)


@given(st.integers(0, 4_000_000_000), st.integers(0, 999_999_999), st.binary(max_size=50))
def test_any_time_kubelet_writes_is_read_to_the_nanosecond(seconds: int, nanos: int, text: bytes) -> None:
    from datetime import UTC, datetime

    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    raw = f"{stamp}.{nanos:09d}Z ".encode() + text
    assert parse_kube_line(raw) == (seconds * 10**9 + nanos, text.removesuffix(b"\n"))


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reading_of_a_line(raw: bytes) -> None:
    time_ns, text = parse_kube_line(raw)
    assert time_ns >= 0 or text != raw


LEVELS_OF_LINES = [
    ('{"level":"error","msg":"x"}', "error"),
    ('{"level":"WARN","msg":"error"}', "info"),
    ('{"severity":"DEBUG"}', "debug"),
    ('{"level":50}', "error"),
    ('{"level":20}', "debug"),
    ('{"level":30}', "info"),
    ('{"msg":"error"}', "info"),
    ('{"level":{"a":1}}', "info"),
    ("{not json error", "info"),
    ("[" * 5000, "info"),
    ("{" * 5000, "info"),
    ("E1124 10:00:00.000000       1 main.go:1] boom", "error"),
    ("I1124 10:00:00.000000       1 main.go:1] fine", "info"),
    ("W1124 10:00:00.000000       1 main.go:1] hmm", "info"),
    ("F1124 10:00:00.000000       1 main.go:1] dead", "error"),
    ("ERROR:root:boom", "error"),
    ("DEBUG:asyncio:Using selector", "debug"),
    ("INFO:     127.0.0.1:1 - GET / 200", "info"),
    ("2026-11-24 10:00:00,123 - mod - ERROR - boom", "error"),
    ("2026-11-24 10:00:00,123 - mod - DEBUG - x", "debug"),
    ("2026-11-24 10:00:00,123 ERROR boom", "error"),
    ("2026-11-24T10:00:00.123Z ERROR boom", "error"),
    ("[E 2026-11-24 10:00:00.123 ServerApp] boom", "error"),
    ("[D 2026-11-24 10:00:00.123 ServerApp] x", "debug"),
    ("[I 2026-11-24 10:00:00.123 ServerApp] x", "info"),
    ("[10:00:00] [ERROR] boom", "error"),
    ("2026/11/24 10:00:00 [error] 7#7: *1 open() failed", "error"),
    ("2026/11/24 10:00:00 [crit] 7#7: boom", "error"),
    ("2026/11/24 10:00:00 [notice] 7#7: start", "info"),
    ('time="2026-11-24T10:00:00Z" level=error msg="boom"', "error"),
    ('time="2026-11-24T10:00:00Z" level=debug msg="x"', "debug"),
    ("\x1b[31mERROR\x1b[0m boom", "error"),
    ("\x1b[32mINFO\x1b[0m:     started", "info"),
    ("panic: runtime error", "error"),
    ("Traceback (most recent call last):", "error"),
    ("ValueError: bad", "error"),
    ("json.decoder.JSONDecodeError: bad", "error"),
    ("KeyboardInterrupt", "info"),
    ("npm WARN deprecated", "info"),
    ("no error here", "info"),
    ("0 errors, 3 warnings", "info"),
    ("errors: 0", "info"),
    ("GET /debug HTTP/1.1 200", "info"),
    ("a [link] to error pages", "info"),
    ("(e.g. this)", "info"),
    ("<i>html</i>", "info"),
    ("[C 2026-11-24 10:00:00.123 ServerApp] x", "error"),
    ("<error> boom", "error"),
    ("", "info"),
    ("   ", "info"),
]


@pytest.mark.parametrize(("text", "level"), LEVELS_OF_LINES)
def test_a_level_is_what_common_loggers_write(text: str, level: str) -> None:
    assert infer_level(text) == level


@given(st.text(max_size=300))
def test_any_text_has_one_of_the_three_levels(text: str) -> None:
    assert infer_level(text) in LEVELS


def test_ids_are_ordered_by_number_and_not_by_spelling() -> None:
    assert sorted(["10-10", "100-0", "9-0", "10-2"], key=id_key) == ["9-0", "10-2", "10-10", "100-0"]


@pytest.mark.parametrize("id_", ["", "5", "5-", "-5", "a-b", "5-5-5", "5 -5", "²-1", "0x5-1"])
def test_anything_else_is_no_id(id_: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        id_key(id_)


def test_the_keys_of_one_container_run_share_a_slot_and_differ() -> None:
    run = Run("uid", "pod", "main", 0)
    named = [make(run) for make in (keys.tail_key, keys.lease_key, keys.fence_key, keys.live_key, keys.lines_channel)]
    assert len(set(named)) == 5
    assert all("{uid}" in key for key in named)
    assert keys.tail_key(run) != keys.tail_key(replace(run, restart=1))


def line(n: int, data: bytes = b"x") -> Line:
    return Line(f"{n}-0", data)


def ids(lines: list[Line]) -> list[int]:
    return [id_key(item.id)[0] for item in lines]


def test_a_ring_keeps_the_last_lines() -> None:
    ring = Ring(3, 1000)
    for n in range(5):
        assert ring.append(line(n))
    assert ids(ring.after(None)) == [2, 3, 4]
    assert (len(ring), ring.last_id, ring.size) == (3, "4-0", 3)


def test_a_ring_keeps_no_more_bytes_than_allowed_but_always_the_newest_line() -> None:
    ring = Ring(100, 10)
    for n in range(5):
        ring.append(line(n, b"12345"))
    assert ids(ring.after(None)) == [3, 4]
    ring.append(line(9, b"x" * 50))
    assert (ids(ring.after(None)), ring.size) == ([9], 50)
    ring.append(line(10))
    assert (ids(ring.after(None)), ring.size) == ([10], 1)


def test_a_line_that_was_there_already_is_not_added_again() -> None:
    ring = Ring(10, 1000)
    assert ring.append(Line("5-1", b"a"))
    assert not ring.append(Line("5-1", b"b"))
    assert not ring.append(Line("5-0", b"c"))
    assert ring.append(Line("5-2", b"d"))
    assert [item.frame for item in ring.after(None)] == [b"a", b"d"]


def test_after_gives_what_is_above_an_id_whether_or_not_it_is_held() -> None:
    ring = Ring(10, 1000)
    for n in (2, 4, 6):
        ring.append(line(n))
    assert [ids(ring.after(f"{n}-0")) for n in (0, 2, 3, 6, 9)] == [[2, 4, 6], [4, 6], [4, 6], [], []]


def test_a_ring_knows_whether_a_viewer_missed_anything() -> None:
    ring = Ring(2, 1000)
    assert ring.covers("0-0")
    for n in (1, 2, 3, 4):
        ring.append(line(n))
    assert [ring.covers(f"{n}-0") for n in (1, 2, 3)] == [False, True, True]


def test_a_tail_is_never_longer_than_asked_or_held() -> None:
    ring = Ring(10, 1000)
    for n in range(4):
        ring.append(line(n))
    assert [ids(ring.tail(n)) for n in (-1, 0, 2, 9)] == [[], [], [2, 3], [0, 1, 2, 3]]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=60), st.integers(1, 10), st.integers(1, 60))
def test_whatever_comes_a_ring_is_ordered_and_bounded(
    arrivals: list[tuple[int, int]], most_lines: int, most_bytes: int
) -> None:
    ring = Ring(most_lines, most_bytes)
    for n, size in arrivals:
        ring.append(line(n, b"x" * size))
        held = ring.after(None)
        assert len(held) == len(ring) <= most_lines
        assert sum(len(item.frame) for item in held) == ring.size
        assert ring.size <= most_bytes or len(held) == 1
        assert ids(held) == sorted(set(ids(held)))
