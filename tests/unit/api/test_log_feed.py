"""Publications, alignment, frames, the feed, filters and direct writes of live logs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet.errors import TooManyRequests
from guildnet_api.http import sse
from guildnet_api.logs import matcher as matcher_module
from guildnet_api.logs.encoding import log_line
from guildnet_api.logs.feed import MAX_FILTERS, Feed
from guildnet_api.logs.filtered import EVERYTHING, MAX_BLOCK_BYTES, MAX_BLOCK_LINES, Filter, RingLimits
from guildnet_api.logs.model import (
    NS_PER_SECOND,
    TRUNCATION_MARK,
    Kind,
    RawLine,
    Record,
    Run,
    id_key,
    next_id,
    rfc3339,
    truncated,
)
from guildnet_api.logs.reader.cursor import Cursor
from guildnet_api.logs.redis.publication import Publication, decode
from guildnet_api.logs.source.follower import Alignment
from guildnet_api.logs.worker import Searcher, TooSlow, Worker

RUN = Run("0123456789ab", "ws-1", "main", 2)
LIMITS = RingLimits(100, 10_000)


def encode(publication: Publication) -> bytes:
    """What the append script publishes."""
    parts = [f"{r.id} {r.kind.value} {r.time_ns} {len(r.data)}\n".encode() + r.data for r in publication.records]
    return publication.before.encode() + b"\n" + b"".join(parts)


records = st.builds(
    Record,
    st.builds(lambda a, b: f"{a}-{b}", st.integers(1, 2**63), st.integers(0, 99)),
    st.integers(0, 2**63),
    st.binary(max_size=60),
    st.sampled_from(Kind),
)


@given(st.lists(records, max_size=8))
def test_a_publication_survives_any_bytes(given_records: list[Record]):
    assert decode(encode(Publication("5-0", given_records))) == Publication("5-0", given_records)


@pytest.mark.parametrize("payload", [b"0-0\nx", b"0-0\n1-0 l 1\n", b"0-0\n1-0 ? 1 0\n"])
def test_what_is_no_publication_is_refused(payload: bytes):
    with pytest.raises(ValueError, match=r".+"):
        decode(payload)


@given(st.lists(st.integers(1, 1000), max_size=50))
def test_ids_rise_whatever_the_clock_does(times: list[int]):
    last, seen = "", []
    for time_ns in times:
        last = next_id(last, time_ns)
        seen.append(id_key(last))
    assert seen == sorted(set(seen))
    assert all(key[0] >= time_ns for key, time_ns in zip(seen, times, strict=True))


def read(known: list[RawLine], lines: list[RawLine]) -> list[RawLine]:
    alignment = Alignment(known)
    return [kept for line in lines for kept in alignment.fresh(line)]


lines = st.lists(
    st.tuples(st.integers(0, 3 * NS_PER_SECOND), st.sampled_from([b"a", b"b", b""])), min_size=1, max_size=40
).map(lambda items: [RawLine(10 * NS_PER_SECOND + t, data) for t, data in sorted(items)])


@given(lines, st.data())
def test_reading_again_brings_each_line_exactly_once(everything: list[RawLine], data: st.DataObject):
    """Read up to somewhere, lose the connection, read again from the last known second."""
    upto = data.draw(st.integers(1, len(everything)))
    seen = everything[:upto]
    second = seen[-1].time_ns // NS_PER_SECOND * NS_PER_SECOND
    known = [line for line in seen if line.time_ns >= second]
    again = [line for line in everything if line.time_ns >= second]
    fresh = read(known, again)
    assert seen + fresh == everything


def test_lines_rotated_away_are_a_gap():
    known = [RawLine(5 * NS_PER_SECOND, b"old")]
    fresh = read(known, [RawLine(9 * NS_PER_SECOND, b"new"), RawLine(9 * NS_PER_SECOND, b"newer")])
    assert [line.kind for line in fresh] == [Kind.GAP, Kind.LINE, Kind.LINE]
    assert json.loads(fresh[0].data)["reason"] == "rotated"


def test_the_first_reading_has_no_gap():
    assert read([], [RawLine(9 * NS_PER_SECOND, b"x")]) == [RawLine(9 * NS_PER_SECOND, b"x")]


def test_a_long_line_is_cut_with_a_mark():
    assert truncated(b"x" * 20, 10) == b"x" * 10 + TRUNCATION_MARK
    assert truncated(b"x" * 10, 10) == b"x" * 10


def test_times_keep_their_nanoseconds():
    assert rfc3339(1_767_225_600_000_000_007) == "2026-01-01T00:00:00.000000007Z"


def test_a_log_line_takes_any_bytes():
    line = log_line(RUN, NS_PER_SECOND, b"\xff ERROR \x00 caf\xc3\xa9")
    assert line["msg"] == "\ufffd ERROR \x00 café"
    assert (line["container"], line["pod"]) == ("main", "ws-1")


# ---- frames ---------------------------------------------------------------------------------------------------------


@given(st.text())
def test_a_frame_is_one_event_whatever_the_text(text: str):
    frame = sse.frame(sse.compact({"msg": text}), identifier="1-0")
    assert frame.endswith(b"\n\n")
    assert frame.count(b"\n") == 3
    data = next(part for part in frame.split(b"\n") if part.startswith(b"data: "))
    decoded = json.loads(data.removeprefix(b"data: "))["msg"]
    assert decoded == text.encode("utf-8", "replace").decode()


def test_frames_have_the_form_of_the_standard():
    assert sse.frame(b"{}", event="gap", identifier="7-1") == b"event: gap\nid: 7-1\ndata: {}\n\n"
    assert sse.Retry(1500).encode() == b"retry: 1500\n\n"


def test_a_ping_is_a_comment_to_old_clients_and_an_event_that_a_browser_shows():
    """An EventSource dispatches no event without data, and never a comment."""
    lines = sse.Ping().encode().split(b"\n")
    assert lines == [b": ping", b"event: ping", b"data: {}", b"", b""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("01234567.2.main.5-1", ("01234567.2.main.", "5-1")), ("5-1", None), ("", None), ("a.b", None), ("a.5-x", None)],
)
def test_ids_of_clients_are_taken_apart(text: str, expected: tuple[str, str] | None):
    found = Cursor.parse(text)
    assert (found and (found.prefix, found.id)) == expected


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.fixture
def searcher(worker: Worker) -> Searcher:
    return worker.searcher("alice")


# ---- the ring -------------------------------------------------------------------------------------------------------


def line(n: int, text: str = "fine") -> Record:
    return Record(f"{n}-0", n, text.encode())


async def test_a_repetition_costs_nothing_and_everyone_gets_the_same_bytes():
    feed = Feed(RUN, LIMITS)
    feed.accept([line(1), line(2)])
    feed.accept([line(1), line(2), line(3)])
    with feed.filtered(EVERYTHING) as one, feed.filtered(EVERYTHING) as other:
        block = one.after("0-0")
        assert block.encode().count(b"data: ") == 3
        assert block.end == "3-0"
        assert other.after("0-0").encode() is block.encode()
    assert b"id: 01234567.2.main.3-0\n" in block.encode()


async def test_a_level_has_a_ring_of_its_own_with_the_same_frames():
    feed = Feed(RUN, LIMITS)
    feed.accept([line(1), line(2, "ERROR x"), Record("3-0", 3, b"{}", Kind.GAP)])
    with feed.filtered(Filter("error")) as errors:
        feed.accept([line(4), line(5, "ERROR y")])
        assert [held.id for held in errors.ring.after(None)] == ["2-0", "3-0", "5-0"]


async def test_a_filter_has_a_ring_of_its_own_as_long_as_somebody_reads_it(searcher: Searcher):
    feed = Feed(RUN, LIMITS)
    feed.accept([line(1, "GET /a 200"), line(2, "GET /b 500"), Record("3-0", 3, b"{}", Kind.GAP)])
    wanted = Filter(q=r"/ 5\d\d$/")
    with feed.filtered(wanted) as one:
        with feed.filtered(wanted) as other:
            assert other is one
        feed.accept([line(4, "get /c 503"), line(5, "GET /5000")])
        assert len(one.ring) == 0, "nothing is matched before a reader asks"
        await one.catch_up(searcher)
        assert [held.id for held in one.ring.after(None)] == ["2-0", "3-0", "4-0"]
    with feed.filtered(wanted) as later:
        assert later is not one
        await later.catch_up(searcher)
        assert [held.id for held in later.ring.after(None)] == ["2-0", "3-0", "4-0"]


async def test_a_filter_is_compiled_once_however_many_others_are_asked_for_meanwhile(monkeypatch: pytest.MonkeyPatch):
    feed = Feed(RUN, LIMITS)
    wanted = [Filter(q=f"/x{number}/") for number in range(matcher_module.MAX_KEPT + 1)]
    monkeypatch.setattr(matcher_module, "Matcher", lambda _: pytest.fail("it is compiled again"))
    for each in wanted:
        with feed.filtered(each):
            pass


async def test_readers_of_one_filter_share_what_was_found_and_each_pays_for_its_own_share(worker: Worker):
    feed = Feed(RUN, RingLimits(5000, 10_000_000))
    feed.accept([line(n, "x" * 50) for n in range(1, 2001)])
    poor, rich = worker.searcher("poor"), worker.searcher("rich")
    poor._bucket.spend(1000)
    with feed.filtered(Filter(q="xx")) as ring:
        with pytest.raises(TooSlow):
            await ring.catch_up(poor)
        await ring.catch_up(rich)
        await ring.catch_up(poor)  # nothing is left to pay for
        assert len(ring.ring) == 2000


async def test_a_filter_keeps_no_line_that_the_feed_does_not(searcher: Searcher):
    feed = Feed(RUN, RingLimits(100, 1_000_000))
    feed.accept([line(n, "kept" if n % 10 == 0 else "-") for n in range(1, 101)])
    with feed.filtered(Filter(q="kept")) as ring:
        await ring.catch_up(searcher)
        assert len(ring.ring) == 10
        feed.accept([line(n, "-") for n in range(101, 151)])
        feed._deliver()
        assert [held.id for held in ring.ring.after(None)] == ["60-0", "70-0", "80-0", "90-0", "100-0"]
        assert ring.ring.covers("50-0")
        assert not ring.ring.covers("40-0")


async def test_lines_that_left_before_they_were_matched_are_counted(searcher: Searcher):
    feed = Feed(RUN, RingLimits(50, 1_000_000))
    with feed.filtered(Filter(q="x")) as ring:
        feed.accept([line(1, "x")])
        await ring.catch_up(searcher)
        feed.accept([line(n, "x") for n in range(2, 40)])
        await ring.catch_up(searcher)
        assert ring.losses == 0
        feed.accept([line(n, "x") for n in range(40, 200)])
        await ring.catch_up(searcher)
        assert ring.losses == 1
        assert ring.ring.last_id == "199-0"


async def test_only_so_many_filters_are_open_at_once():
    feed = Feed(RUN, LIMITS)
    with contextlib.ExitStack() as stack:
        for number in range(MAX_FILTERS):
            stack.enter_context(feed.filtered(Filter(q=str(number))))
        with pytest.raises(TooManyRequests), feed.filtered(Filter(q="one more")):
            pass
        stack.enter_context(feed.filtered(EVERYTHING))
    with feed.filtered(Filter(q="one more")):
        pass


async def test_the_end_of_a_run_is_known_at_once():
    feed = Feed(RUN, LIMITS)
    feed.accept([line(1), Record("1-1", 0, b"", Kind.END)])
    assert feed.ended
    assert feed.loaded
    with feed.filtered(EVERYTHING) as view:
        assert len(view.ring) == 1


async def test_only_what_is_still_held_can_be_resumed():
    feed = Feed(RUN, RingLimits(2, 10_000))
    feed.accept([line(n) for n in range(1, 5)])
    assert [feed.holds(f"{n}-0") for n in range(1, 5)] == [False, True, True, True]
    assert not Feed(RUN, RingLimits(2, 10_000)).holds("1-0")


async def test_lines_without_ids_get_those_that_the_shared_tail_would_give():
    feed = Feed(RUN, LIMITS)
    feed.accept_raw([RawLine(5, b"a"), RawLine(5, b"b"), RawLine(3, b"c"), RawLine(9, b"d")])
    with feed.filtered(EVERYTHING) as view:
        assert [held.id for held in view.ring.after(None)] == ["5-0", "5-1", "5-2", "9-0"]


@pytest.mark.parametrize(
    ("size", "number"),
    [
        pytest.param(1, MAX_BLOCK_LINES, id="short lines: so many of them"),
        pytest.param(10_000, MAX_BLOCK_BYTES // 10_000, id="long lines: so many bytes"),
        pytest.param(MAX_BLOCK_BYTES, 1, id="a line longer than a block: alone"),
    ],
)
async def test_a_reader_that_is_far_behind_is_sent_bounded_blocks(size: int, number: int):
    feed = Feed(RUN, RingLimits(5000, 100 * MAX_BLOCK_BYTES))
    feed.accept([Record(f"{n}-0", n, b"x" * size) for n in range(1, 2 * number + 3)])
    at, blocks = "0-0", []
    with feed.filtered(EVERYTHING) as view:
        while block := view.after(at):
            blocks.append(block)
            at = block.end
    assert [line.id for block in blocks for line in block.lines] == [f"{n}-0" for n in range(1, 2 * number + 3)]
    assert number * 0.9 <= len(blocks[0]) <= number
    assert all(len(block) == 1 or len(block.encode()) <= MAX_BLOCK_BYTES for block in blocks)


# ---- attached readers -----------------------------------------------------------------------------------------------


class Wire:
    """A connection that keeps what it was sent, until it is `full`."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.full = False

    def write(self, chunk: bytes) -> bool:
        if not self.full:
            self.chunks.append(chunk)
        return not self.full

    def abort(self) -> None: ...

    def when_lost(self, call: object) -> None: ...

    @property
    def ids(self) -> list[int]:
        return [int(found) for found in re.findall(rb"id: [\w.]+\.(\d+)-0\n", b"".join(self.chunks))]


async def test_attached_readers_are_sent_the_same_chunk_without_being_woken():
    feed = Feed(RUN, LIMITS)
    one, two = Wire(), Wire()
    with feed.filtered(EVERYTHING) as view:
        attached = [view.attach(wire, "0-0") for wire in (one, two)]
        feed.accept([line(1), line(2)])
        assert one.ids == two.ids == [1, 2]
        assert one.chunks[0] is two.chunks[0]
        size, _, rest = one.chunks[0].partition(b"\r\n")
        assert int(size, 16) == len(rest) - 2
        assert [view.push.detach(attachment) for attachment in attached] == ["2-0", "2-0"]
        feed.accept([line(3)])
        assert one.ids == [1, 2]


async def test_an_attached_reader_whose_buffer_is_full_is_detached_where_it_stands():
    feed = Feed(RUN, LIMITS)
    fast, slow = Wire(), Wire()
    with feed.filtered(EVERYTHING) as view:
        view.attach(fast, "0-0")
        attachment = view.attach(slow, "0-0")
        feed.accept([line(1)])
        slow.full = True
        feed.accept([line(2)])
        feed._deliver()
        async with asyncio.timeout(1):
            await attachment.woken()
        assert view.push.detach(attachment) == "1-0"
        assert (fast.ids, slow.ids) == ([1, 2], [1])
        assert view.after("1-0").end == "2-0"


async def test_a_burst_larger_than_the_ring_loses_no_line_of_an_attached_reader():
    feed = Feed(RUN, RingLimits(50, 10_000))
    wire = Wire()
    with feed.filtered(EVERYTHING) as view:
        view.attach(wire, "0-0")
        feed.accept([line(n) for n in range(1, 1001)])
        feed._deliver()
        assert wire.ids == list(range(1, 1001))


async def test_who_is_attached_late_stands_where_the_others_do():
    feed = Feed(RUN, LIMITS)
    early, late = Wire(), Wire()
    with feed.filtered(EVERYTHING) as view:
        view.attach(early, "0-0")
        feed.accept([line(1)])
        feed.accept([line(2)])  # waits for the next wake-up
        block = view.after("0-0")
        assert block
        view.attach(late, block.end)
        assert early.ids == [1, 2]
        feed.accept([line(3)])
        feed._deliver()
        assert (early.ids, late.ids) == ([1, 2, 3], [3])
