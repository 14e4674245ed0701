"""What the operator says of itself on its Lease, and what is made of a Lease that says something else."""

from __future__ import annotations

import pytest

from guildnet.telemetry import REPORT_ANNOTATION, OperatorReport, read_report

REPORT = OperatorReport("0.1.0", 0.25, 12.0, 45_535)


def test_a_report_is_read_as_it_was_written():
    assert read_report({"metadata": {"annotations": REPORT.annotations()}}) == REPORT


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"version": "1", "queue_seconds": "x"}', "null"])
def test_what_is_no_report_is_none(text: str):
    assert read_report({"metadata": {"annotations": {REPORT_ANNOTATION: text}}}) is None
    assert read_report({"metadata": {}}) is None
