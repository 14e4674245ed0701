"""Steps run as soon as they may, side by side, and a failure stops what has not begun."""

from __future__ import annotations

import json
import threading
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


def test_background_steps_start_while_the_foreground_is_busy():
    later = threading.Event()
    lines: list[str] = []
    run_steps(
        [
            Step("long", lambda: None if later.wait(10) else "never", foreground=True),
            Step("first", lambda: None),
            Step("second", later.set, ("first",)),
        ],
        Clock(lines.append),
    )
    assert not any("never" in line for line in lines)


def test_a_foreground_step_runs_in_the_calling_thread():
    seen: list[threading.Thread] = []
    run_steps([Step("a", lambda: seen.append(threading.current_thread()), foreground=True)], Clock(lambda _: None))
    assert seen == [threading.current_thread()]


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
    clock.record(tmp_path / "times" / "up.jsonl", "warm")
    entry = json.loads((tmp_path / "times" / "up.jsonl").read_text())
    assert entry["kind"] == "warm"
    assert [phase["name"] for phase in entry["phases"]] == ["a", "b"]
    assert entry["total"] >= max(phase["seconds"] for phase in entry["phases"])


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
