"""Of recorded runs only those of this very commit count, and the last of them."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.up_times import judged, of_commit

RUN: dict[str, Any] = {"kind": "cold", "total": 100.0, "commit": "abc", "dirty": False, "setup_included": True}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"commit": "def"}, id="another commit"),
        pytest.param({"dirty": True}, id="uncommitted changes"),
        pytest.param({"setup_included": False}, id="set-up left out"),
        pytest.param({"kind": "warm"}, id="another kind"),
    ],
)
def test_a_run_of_anything_else_is_no_record(other: dict[str, Any]):
    assert of_commit([{**RUN, **other}], "cold", "abc") is None


def test_a_run_that_does_not_say_what_it_ran_is_no_record():
    assert of_commit([{"kind": "cold", "total": 1.0}], "cold", "abc") is None
    assert of_commit([{**RUN, "commit": ""}], "cold", "") is None


def test_the_last_run_counts():
    assert of_commit([RUN, {**RUN, "total": 200.0}], "cold", "abc") == {**RUN, "total": 200.0}


@pytest.mark.parametrize(
    ("run", "met", "says"),
    [
        pytest.param(RUN, True, "cold up 100 s", id="within its bound"),
        pytest.param({**RUN, "total": 481.0}, False, "cold up 481 s", id="beyond it"),
        pytest.param({**RUN, "passed": False}, False, "FAILED", id="failed"),
        pytest.param(None, False, "make up", id="none: it says what makes one"),
    ],
)
def test_a_record_is_judged(run: dict[str, Any] | None, met: bool, says: str):
    text, found = judged("up", "cold", run, 480.0)
    assert found is met
    assert says in text
