"""What a Workspace says of its fault is judged as a whole: in time, with the next step, and nothing wrong beside it."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.faulty.judge import judge
from proofs.faulty.table import Fault

FAULT = Fault("out of memory", ("Degraded", "True", "OutOfMemory", "memory"), "Raise the limit")


def said(at: float, reason: str = "OutOfMemory", message: str = "out of memory. Raise the limit.", **more: Any) -> Any:
    status = "False" if reason == "AsExpected" else "True"
    return at, {"Degraded": {"status": status, "reason": reason, "message": message}, **more}


@pytest.mark.parametrize(
    ("history", "until", "complaint"),
    [
        pytest.param([said(1, "AsExpected"), said(2)], 9.0, "", id="as promised"),
        pytest.param([], 25.0, "not named", id="nothing said"),
        pytest.param([said(2, "CrashLoop")], 25.0, "not named", id="another reason"),
        pytest.param([said(2, message="gone. Raise the limit.")], 25.0, "not named", id="the thing at fault not named"),
        pytest.param([said(16)], 25.0, "named after 16.0 s", id="late"),
        pytest.param([said(2, message="out of memory.")], 9.0, "without the next step", id="no next step"),
        pytest.param([said(2), said(4, "AsExpected")], 9.0, "said otherwise 2.0 s later", id="taken back"),
        pytest.param([said(1, "CrashLoop"), said(2)], 9.0, "wrongly Degraded/CrashLoop", id="something wrong before"),
        pytest.param([said(2)], 4.0, "listened for 2.0 s after it only", id="not listened long enough"),
    ],
)
def test_a_history_is_judged(history: list[Any], until: float, complaint: str):
    found = judge(FAULT, history, until=until)
    assert found.good is (not complaint)
    assert complaint in found.complaint


def test_a_condition_beside_degraded_may_name_it():
    fault = Fault("no node", ("Scheduled", "False", "Unschedulable", "cpu"), "Ask for less")
    condition = {"status": "False", "reason": "Unschedulable", "message": "too little cpu. Ask for less."}
    assert judge(fault, [said(1, "AsExpected", Scheduled=condition)], until=9.0).good
    assert not judge(fault, [said(1, "CrashLoop", Scheduled=condition)], until=9.0).good
