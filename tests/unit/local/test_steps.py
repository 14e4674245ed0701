"""Steps run as soon as they may, side by side, and a failure stops what has not begun."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from guildnet_local.machine.steps import Clock, Step, StepError, check, run_steps
from guildnet_local.up import kind_of_run


def steps(*described: tuple[str, tuple[str, ...]], log: list[str]) -> list[Step]:
    return [Step(name, lambda name=name: log.append(name), needs) for name, needs in described]  # type: ignore[misc]


def test_a_step_runs_after_all_it_needs():
    log: list[str] = []
    run_steps(steps(("c", ("a", "b")), ("b", ("a",)), ("a", ()), log=log), Clock(lambda _: None))
    assert log == ["a", "b", "c"]


def test_steps_that_do_not_need_each_other_run_side_by_side():
    both = threading.Barrier(2, timeout=10)
    pair = [Step(name, lambda: str(both.wait()) and None) for name in "ab"]
    run_steps(pair, Clock(lambda _: None))


def test_other_steps_start_while_a_lane_is_busy():
    later = threading.Event()
    lines: list[str] = []
    run_steps(
        [
            Step("long", lambda: None if later.wait(10) else "never", lane="compilers"),
            Step("first", lambda: None),
            Step("second", later.set, ("first",)),
        ],
        Clock(lines.append),
    )
    assert not any("never" in line for line in lines)


def test_steps_of_one_lane_run_one_after_the_other_as_listed_and_lanes_side_by_side():
    at_work: list[str] = []
    most: list[int] = []
    both = threading.Barrier(2, timeout=10)

    def work(name: str) -> None:
        at_work.append(name)
        most.append(len([other for other in at_work if other[0] == name[0]]))
        if name in ("a1", "b1"):
            both.wait()
        time.sleep(0.01)
        at_work.remove(name)
        order.append(name)

    order: list[str] = []
    run_steps(
        [Step(name, lambda name=name: work(name), lane=name[0]) for name in ("a1", "a2", "a3", "b1", "b2")],  # type: ignore[misc]
        Clock(lambda _: None),
    )
    assert set(most) == {1}
    assert [name for name in order if name[0] == "a"] == ["a1", "a2", "a3"]


def test_a_lane_does_not_wait_for_a_step_whose_needs_are_missing():
    log: list[str] = []
    compiled = threading.Event()

    def build(name: str) -> None:
        log.append(name)
        if name == "images":
            compiled.set()

    run_steps(
        [
            Step("needs a program", lambda: build("needs a program"), ("program",), lane="builders"),
            Step("images", lambda: build("images"), lane="builders"),
            Step("program", lambda: None if compiled.wait(10) else "never", lane="compilers"),
        ],
        Clock(lambda _: None),
    )
    assert log == ["images", "needs a program"]


def test_a_failure_ends_what_a_lane_is_at():
    ended = threading.Event()
    at_work = threading.Event()

    def fail() -> None:
        assert at_work.wait(10)
        raise ValueError("no network")

    def compile_long() -> None:
        at_work.set()
        if not ended.wait(10):
            raise AssertionError("nobody ended the compiler")
        raise OSError("signal 15")

    lines: list[str] = []
    with pytest.raises(StepError, match="images: no network"):
        run_steps(
            [Step("images", fail, lane="builders"), Step("program", compile_long, lane="compilers")],
            Clock(lines.append),
            ended.set,
        )
    assert [line.split("] ")[1] for line in lines] == ["images FAILED"]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_lanes_waits_for_them_to_tidy_up_and_starts_nothing_more():
    ended = threading.Event()
    log: list[str] = []

    def compile_long() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert ended.wait(10)
        time.sleep(0.05)
        log.append("tidied up")

    with pytest.raises(KeyboardInterrupt):
        run_steps(
            [Step("program", compile_long, lane="compilers"), Step("next", lambda: log.append("next"), ("program",))],
            Clock(log.append),
            ended.set,
        )
    assert log[:1] == ["tidied up"]
    assert "next" not in log


def test_a_failed_lane_that_does_not_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("guildnet_local.machine.steps.LANE_SECONDS", 0.05)
    never = threading.Event()

    def stick() -> None:
        never.wait(60)

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(StepError, match="broken: no"):
        run_steps([Step("stuck", stick, lane="a"), Step("broken", fail)], Clock(lambda _: None))
    never.set()


def test_a_failure_names_the_step_and_starts_nothing_more():
    log: list[str] = []

    def fail() -> None:
        raise ValueError("no such thing")

    with pytest.raises(StepError, match="broken: no such thing") as caught:
        run_steps([Step("broken", fail), *steps(("after", ("broken",)), log=log)], Clock(lambda _: None))
    assert caught.value.step == "broken"
    assert isinstance(caught.value.cause, ValueError)
    assert log == []


def test_what_is_under_way_is_finished_when_another_fails():
    failed = threading.Event()
    log: list[str] = []

    def fail() -> None:
        failed.set()
        raise ValueError

    def slow() -> None:
        if failed.wait(10):
            log.append("slow")

    with pytest.raises(StepError):
        run_steps([Step("broken", fail), Step("slow", slow)], Clock(lambda _: None))
    assert log == ["slow"]


@pytest.mark.parametrize(
    "described",
    [[("a", ("b",)), ("b", ("a",))], [("a", ("nothing",))], [("a", ()), ("a", ())]],
    ids=["circle", "unknown need", "two of one name"],
)
def test_a_plan_that_cannot_be_run_is_refused(described):
    with pytest.raises(ValueError, match=r"steps that can never start|two steps of one name"):
        check(steps(*described, log=[]))


def test_a_run_is_recorded_with_its_phases(tmp_path: Path):
    clock = Clock(lambda _: None)
    run_steps(steps(("a", ()), ("b", ("a",)), log=[]), clock)
    clock.record(tmp_path / "times" / "up.jsonl", "warm", {"commit": "abc", "dirty": False})
    entry = json.loads((tmp_path / "times" / "up.jsonl").read_text())
    assert entry["kind"] == "warm"
    assert [phase["name"] for phase in entry["phases"]] == ["a", "b"]
    assert entry["total"] >= max(phase["seconds"] for phase in entry["phases"])
    assert (entry["commit"], entry["dirty"]) == ("abc", False)
    assert entry["started_at"] == pytest.approx(time.time(), abs=10)


def test_a_clock_may_have_begun_before_the_program(tmp_path: Path):
    lines: list[str] = []
    clock = Clock.since(lines.append, time.time() - 25.0)
    clock.say("on it")
    assert 25.0 <= clock.elapsed() < 35.0
    assert lines[0].startswith("[  25.")
    clock.record(tmp_path / "up.jsonl", "cold", {})
    entry = json.loads((tmp_path / "up.jsonl").read_text())
    assert entry["started_at"] == pytest.approx(time.time() - 25.0, abs=5)
    assert Clock.since(lines.append, time.time() + 3600).elapsed() < 5


@pytest.mark.parametrize(
    ("built", "anew", "kind"),
    [
        (set(), True, "warm"),
        ({"images"}, True, "part"),
        ({"programs"}, True, "part"),
        ({"programs", "images"}, True, "cold"),
        ({"images"}, False, "again"),
        (set(), False, "again"),
    ],
)
def test_a_run_is_counted_by_what_it_had_to_build(built, anew, kind):
    assert kind_of_run(built, anew=anew) == kind
