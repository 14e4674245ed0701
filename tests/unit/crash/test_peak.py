"""The most requests in any second, wherever it begins."""

from __future__ import annotations

import pytest

from proofs.crash.outages import Cost, peak


@pytest.mark.parametrize(
    ("times", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([1.0], 1, id="one"),
        pytest.param([0.0, 0.9, 1.8, 2.7], 2, id="spread"),
        pytest.param([0.0, 1.0, 2.0], 1, id="a second apart"),
        pytest.param([0.9, 1.0, 1.1, 1.2, 9.0], 4, id="over the boundary of a second"),
    ],
)
def test_the_peak(times: list[float], most: int):
    assert peak(times) == most


def test_a_burst_is_no_less_bad_for_a_good_average():
    assert Cost(rate=1.0, peak=30, converged=5.0).met
    assert not Cost(rate=1.0, peak=31, converged=5.0).met
