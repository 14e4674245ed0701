"""What `make test` records of a run: which kind, of which commit, by which clock."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import run

COMMIT = {"commit": "abc", "dirty": False}


@pytest.fixture
def times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "CACHE", tmp_path)
    monkeypatch.delenv("GUILDNET_TEST_STARTED", raising=False)
    (tmp_path / "times").mkdir()
    return tmp_path / "times"


def up(times: Path, kind: str, ago: float) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))
    with (times / "up.jsonl").open("a") as file:
        file.write(json.dumps({"kind": kind, "at": at}) + "\n")


def recorded(times: Path, began: float) -> dict[str, Any]:
    made = run.Run([("lint", 1.0, True)])
    made.record(began, COMMIT)
    found: dict[str, Any] = json.loads((times / "test.jsonl").read_text())
    return found


def test_the_kind_is_that_of_its_own_up(times: Path):
    up(times, "warm", ago=100.0)
    up(times, "cold", ago=5.0)
    assert recorded(times, time.time() - 60)["kind"] == "cold"


def test_what_its_proofs_brought_up_again_is_not_its_kind(times: Path):
    up(times, "warm", ago=50.0)
    up(times, "again", ago=5.0)
    assert recorded(times, time.time() - 60)["kind"] == "warm"


def test_an_earlier_up_says_nothing_of_this_run(times: Path):
    up(times, "cold", ago=100.0)
    assert recorded(times, time.time() - 60)["kind"] == "unknown"


def test_no_up_at_all_is_of_no_kind(times: Path):
    assert recorded(times, time.time())["kind"] == "unknown"


def test_it_says_which_commit_ran_and_that_setup_is_not_in_the_time(times: Path):
    found = recorded(times, time.time() - 60)
    assert {"commit": "abc", "dirty": False, "setup_included": False, "passed": True}.items() <= found.items()
    assert 60 <= found["total"] < 70


def test_the_clock_of_make_begins_before_setup(times: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GUILDNET_TEST_STARTED", f"{time.time() - 90}")
    found = recorded(times, time.time() - 60)
    assert found["setup_included"] is True
    assert 90 <= found["total"] < 100
