"""The proof that the first generation goes on working counts what was not as expected, and nothing else."""

from __future__ import annotations

from proofs.first_generation import judged
from proofs.older.checks import Checks
from proofs.older.requests import _told


def test_one_answer_that_is_not_as_expected_is_a_miss(capsys):
    checks = Checks()
    checks.that("this", right=True)
    assert judged(checks).met
    checks.that("that", right=[], found={"code": "not_found"})
    figure = judged(checks)
    assert (figure.met, figure.text.startswith("1 of 2 ")) == (False, True)
    assert "that: {'code': 'not_found'}" in capsys.readouterr().out


def test_nothing_asked_is_nothing_shown():
    assert not judged(Checks()).met


def test_only_unnamed_events_are_lines_of_a_log():
    stream = ["retry: 1000", "", "event: status", 'data: {"a": 1}', "", "id: 7", 'data: {"msg": "x"}', "", ": ping", ""]
    assert _told(stream) == [{"msg": "x"}]
