"""What somebody else undoes is put right at once, then ever more seldom; what nobody asked for goes in turn."""

from __future__ import annotations

from itertools import pairwise

import pytest

from guildnet_operator.sync.brake import (
    AT_ONCE,
    MAX_PAUSE_SECONDS,
    PRUNED_FROM,
    QUIET_SECONDS,
    UNASKED_BURST,
    UNASKED_PER_SECOND,
    Brake,
    Turns,
)

CHILD = ("uid", "Deployment")
FIELD = "spec.replicas"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _undone(brake: Brake, clock: Clock, seconds: float, *, field: str = FIELD) -> list[float]:
    """When it is put right, from now on for so many seconds, by who does so as soon as it may."""
    end, times = clock.now + seconds, []
    while clock.now + (pause := brake.pause(CHILD, "a", field)) < end:
        clock.now += pause
        brake.wrote(CHILD, "a", field, "rival")
        times.append(clock.now)
    clock.now = end
    return times


def test_a_hand_that_slips_is_put_right_at_once():
    clock = Clock()
    brake = Brake(clock)
    for _ in range(AT_ONCE):
        assert brake.pause(CHILD, "a", FIELD) == 0
        brake.wrote(CHILD, "a", FIELD)
    assert brake.pause(CHILD, "a", FIELD) == 1.0
    assert brake.quarrel(CHILD, "a") is None


def test_after_the_first_ten_it_is_written_less_than_once_a_minute():
    clock = Clock()
    times = _undone(Brake(clock), clock, 600)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[:9] == [0, 0, 1, 2, 4, 8, 16, 32, 64]
    assert set(gaps[9:]) == {MAX_PAUSE_SECONDS}


def test_each_field_has_a_pause_of_its_own():
    clock = Clock()
    brake = Brake(clock)
    _undone(brake, clock, 100)
    assert brake.pause(CHILD, "a", FIELD) > 0
    assert brake.pause(CHILD, "a", "metadata.labels.x") == 0
    assert brake.pause(("uid", "Service"), "a", FIELD) == 0
    assert brake.pause(("other", "Deployment"), "a", FIELD) == 0


def test_what_is_wanted_now_is_written_at_once():
    clock = Clock()
    brake = Brake(clock)
    _undone(brake, clock, 100)
    assert brake.pause(CHILD, "b", FIELD) == 0
    brake.wrote(CHILD, "b", FIELD)
    assert brake.quarrel(CHILD, "a") is None
    assert brake.quarrel(CHILD, "b") is None
    assert brake.pause(CHILD, "b", FIELD) == 0
    for _ in range(AT_ONCE):
        brake.wrote(CHILD, "b", FIELD)
    assert brake.quarrel(CHILD, "b") is not None
    assert brake.quarrel(CHILD, "a") is None, "each is about what was wanted then"


def test_the_pace_of_writes():
    assert (AT_ONCE, MAX_PAUSE_SECONDS, QUIET_SECONDS) == (3, 75.0, 120.0)
    assert (UNASKED_PER_SECOND, UNASKED_BURST) == (10.0, 40)


def test_a_quarrel_is_told_by_its_field_and_manager_until_it_is_over():
    clock = Clock()
    brake = Brake(clock)
    for _ in range(AT_ONCE + 1):
        brake.wrote(CHILD, "a", FIELD, "rival")
    brake.wrote(CHILD, "a", "metadata.labels.x", "another")
    found = brake.quarrel(CHILD, "a")
    assert found is not None
    assert (found[0].what, found[0].manager) == (FIELD, "rival")
    assert found[1] == QUIET_SECONDS + 2.0
    clock.now += found[1] - 0.1
    assert brake.quarrel(CHILD, "a") is not None
    clock.now += 0.1
    assert brake.quarrel(CHILD, "a") is None
    assert brake.pause(CHILD, "a", FIELD) == 0
    brake.wrote(CHILD, "a", FIELD, "rival")
    assert brake.pause(CHILD, "a", FIELD) == 0, "counted from the beginning"


def test_what_nobody_touches_is_forgotten():
    clock = Clock()
    brake = Brake(clock)
    for number in range(PRUNED_FROM - 2):
        brake.wrote((f"uid-{number}", "Service"), "a", FIELD)
    clock.now += QUIET_SECONDS + 1
    brake.wrote(("another", "Service"), "a", FIELD)
    assert len(brake) == PRUNED_FROM - 1, "few are not looked through"
    for _ in range(AT_ONCE + 1):
        brake.wrote(CHILD, "a", FIELD)
    assert len(brake) == 2
    quarrel = brake.quarrel(CHILD, "a")
    assert quarrel is not None
    assert quarrel[0].manager == "", "nobody knows who it was"
    for number in range(PRUNED_FROM):
        brake.wrote((f"uid-{number}", "Service"), "a", FIELD)
    assert len(brake) == PRUNED_FROM + 2, "none of them is old"


@pytest.mark.parametrize(("kind", "left"), [("Deployment", False), (None, False), ("Service", True)])
def test_what_is_gone_is_forgotten(kind: str | None, left: bool):
    clock = Clock()
    brake = Brake(clock)
    _undone(brake, clock, 100)
    brake.forget("another", kind)
    assert brake.quarrel(CHILD, "a") is not None
    brake.forget("uid", kind)
    assert (brake.quarrel(CHILD, "a") is not None) is left


def test_changes_that_nobody_asked_for_go_in_turn():
    clock = Clock()
    turns = Turns(clock)
    waits = [turns.wait((f"uid-{number}", "Service")) for number in range(UNASKED_BURST + 20)]
    assert waits[:UNASKED_BURST] == [0] * UNASKED_BURST
    assert waits[UNASKED_BURST:] == pytest.approx([(number + 1) / UNASKED_PER_SECOND for number in range(20)])


def test_a_turn_is_kept_until_it_comes_and_used_up_then():
    clock = Clock()
    turns = Turns(clock)
    for number in range(UNASKED_BURST):
        turns.wait((f"uid-{number}", "Service"))
    assert turns.wait(CHILD) == pytest.approx(0.1)
    clock.now += 0.05
    assert turns.wait(CHILD) == pytest.approx(0.05)
    clock.now += 0.06
    assert turns.wait(CHILD) == 0
    assert turns.wait(CHILD) > 0, "another change is another turn"
    turns.forget("uid")
    clock.now += 100
    assert turns.wait(CHILD) == 0
