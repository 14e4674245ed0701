"""The log laboratory notices a line that is lost, repeated or out of order, whichever reader it is, and void runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofs import log_fanout, log_takeover, slow_viewer
from proofs.loglab import fanout
from proofs.loglab.memory import Memory
from proofs.loglab.readers import Measured
from proofs.loglab.sequence import Counts, Sequence
from proofs.loglab.stalls import RING_LINES, Beside
from proofs.loglab.takeover import Taken
from proofs.loglab.writing import Observed

NOW = 2_000_000_000
ROUNDS = log_fanout.QUICK.rounds


def frames(*numbers: int) -> bytes:
    return b"".join(b'id: x.%d\ndata: {"msg":"n=%d t=%d GET /"}\n\n' % (n, n, NOW - n * 1_000_000) for n in numbers)


def taken(*pieces: bytes, first: int = 1, last: int = 100) -> Counts:
    counts = Counts()
    counts.measure(first, last)
    sequence = Sequence(counts)
    for piece in pieces:
        sequence.take(piece, NOW)
    return counts


@pytest.mark.parametrize(
    ("numbers", "lost", "again"),
    [
        pytest.param([1, 2, 3, 4], 0, 0, id="all in order"),
        pytest.param([7, 8, 9], 0, 0, id="begun in the middle"),
        pytest.param([1, 2, 4, 5], 1, 0, id="one lost"),
        pytest.param([1, 2, 9], 6, 0, id="many lost"),
        pytest.param([1, 2, 2, 3], 0, 1, id="one twice"),
        pytest.param([1, 3, 2, 4], 1, 1, id="out of order"),
        pytest.param([1, 2, 3, 1, 2, 3], 0, 3, id="all again"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_a_fault_is_counted_wherever_the_stream_is_cut(numbers: list[int], lost: int, again: int, size: int):
    data = frames(*numbers)
    counts = taken(*(data[at : at + size] for at in range(0, len(data), size)))
    assert (counts.lost, counts.again, counts.deliveries) == (lost, again, len(numbers))


def test_each_reader_is_checked_though_pieces_are_parsed_once():
    counts = Counts()
    counts.measure(1, 3)
    readers = [Sequence(counts) for _ in range(50)]
    for number in (1, 2, 3):
        for at, reader in enumerate(readers):
            if (at, number) != (37, 2):
                reader.take(frames(number), NOW)
    assert (counts.lost, counts.again, counts.deliveries, counts.complete) == (1, 0, 149, 50)


def test_lines_outside_of_the_measured_ones_are_checked_and_not_counted():
    counts = taken(frames(1, 2, 3, 4), frames(5), frames(6, 8), first=3, last=6)
    assert (counts.deliveries, counts.lost, counts.complete) == (4, 1, 1)


def test_a_gap_that_is_told_is_counted():
    assert taken(frames(1), b'event: gap\ndata: {"reason":"trimmed"}\n\n', frames(2)).gaps == 1


def test_ages_are_those_of_every_delivery():
    counts = taken(frames(*range(1, 101)))
    assert [counts.age(share) for share in (0.01, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert Counts().age(0.99) == 0.0


WHOLE = Measured(lines=100, readers=10, deliveries=1000, p99=50.0, most=60.0)


def observed(rate: float = 50.0, **changes: Any) -> Observed:
    return Observed(replace(WHOLE, **changes), rate, 50.0)


FAULTS = [
    pytest.param(observed(deliveries=999), "1 missing", id="a delivery short"),
    pytest.param(observed(deliveries=1001), "-1 missing", id="a delivery more"),
    pytest.param(observed(lost=1), "1 lost", id="lost"),
    pytest.param(observed(again=1), "1 again", id="again"),
    pytest.param(observed(gaps=1), "1 as gaps", id="a gap"),
    pytest.param(observed(closed=1), "1 cut", id="a stream cut"),
    pytest.param(observed(rate=48.9), "48.9 of 50 lines/s", id="too slow"),
]


def test_what_is_whole_at_nearly_the_rate_has_no_fault():
    assert observed().faults == observed(rate=49.0).faults == ""


@pytest.mark.parametrize(("seen", "fault"), FAULTS)
def test_a_proof_of_logs_is_missed_for_any_fault(seen: Observed, fault: str):
    assert fault in seen.faults
    cost = fanout.Cost(seen, 0.001, 1.0)
    whole = fanout.Cost(observed(), 1.0, 1.0)
    found = log_fanout.Found({"guildnet": [cost], "nchan": [whole], "queues": [whole]}, ROUNDS, ROUNDS)
    for figure in (
        log_fanout.judged(found, log_fanout.QUICK),
        log_takeover.judged([Taken(1.0, seen)], log_takeover.QUICK),
        log_takeover.judged([Taken(1.0, observed(), seen)], log_takeover.QUICK),
        slow_viewer.judged(slow_viewer.Found([seen], [stalled()], None), slow_viewer.QUICK),
        slow_viewer.judged(slow_viewer.Found([observed()], [stalled(seen)], None), slow_viewer.QUICK),
    ):
        assert not figure.met
        assert fault in figure.text


def test_one_dear_round_is_no_verdict_on_the_cost_of_a_delivery():
    whole, dear = fanout.Cost(observed(), 1.0, 1.0), fanout.Cost(observed(), 1.4, 1.0)
    cheap = fanout.Cost(observed(), 0.25, 1.0)

    def judged(*ours: fanout.Cost) -> bool:
        costs = {"guildnet": [*ours], "nchan": [whole] * 3, "queues": [fanout.Cost(observed(), 9.0, 1.0)] * 3}
        return log_fanout.judged(log_fanout.Found(costs, ROUNDS, ROUNDS), log_fanout.QUICK).met

    assert judged(cheap, dear, whole)
    assert not judged(cheap, dear, dear)


def stalled(
    seen: Observed | None = None, overrun: int = RING_LINES + 1, early: int = 0, late: float | None = 0.0
) -> Beside:
    return Beside(seen or observed(), 20, overrun, early, late)


def test_whole_runs_within_the_bounds_are_met():
    cost, whole = fanout.Cost(observed(), 0.001, 1.0), fanout.Cost(observed(), 1.0, 1.0)
    found = log_fanout.Found({"guildnet": [cost], "nchan": [whole], "queues": [whole]}, ROUNDS, ROUNDS)
    assert log_fanout.judged(found, log_fanout.QUICK).met
    assert log_takeover.judged([Taken(10.0, observed(), observed())], log_takeover.QUICK).met
    memory = Memory(reader=20 * 1024, server=12 * 1024, socket=1024, stalling=64 * 1024)
    beside = slow_viewer.Found([observed()], [stalled()], memory)
    assert slow_viewer.judged(beside, slow_viewer.QUICK).met


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param(stalled(early=1), id="cut while it was measured"),
        pytest.param(stalled(late=0.1), id="stalled only after the measurement began"),
        pytest.param(stalled(late=None), id="never cut"),
        pytest.param(stalled(overrun=RING_LINES), id="the ring not overrun"),
        pytest.param(stalled(observed(p99=61.0)), id="1.22 times as old"),
    ],
)
def test_a_measurement_beside_readers_that_did_not_stall_all_the_while_proves_nothing(beside: Beside):
    found = slow_viewer.Found([observed()], [beside], None)
    assert not slow_viewer.judged(found, slow_viewer.QUICK).met


@pytest.mark.parametrize(
    "memory", [Memory(20.1 * 1024, 12 * 1024, 0, 0), Memory(8 * 1024, 0, 0, 65 * 1024)], ids=["reader", "stalling"]
)
def test_too_much_memory_is_missed(memory: Memory):
    found = slow_viewer.Found([observed()], [stalled()], memory)
    assert not slow_viewer.judged(found, slow_viewer.QUICK).met


def test_a_takeover_that_takes_too_long_or_a_woken_one_that_goes_on_is_missed():
    for found in (
        Taken(10.1, observed()),
        Taken(1, observed(most=10_100)),
        Taken(1, observed(), observed(), "went on"),
    ):
        assert not log_takeover.judged([found], log_takeover.QUICK).met
