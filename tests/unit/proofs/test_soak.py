"""The soak is met only where nothing grows and nothing went wrong, and its upstream's bodies belong to one request."""

from __future__ import annotations

from collections import Counter

import pytest

from proofs import soak
from proofs.soaking.load import Result
from proofs.soaking.upstream import body_of

PLAN = soak.Plan(rounds=6, seconds=1.0, warming=2)
MIB = 2**20


def soaked(*, memory: int = 0, descriptors: int = 0, faults: tuple[str, ...] = (), wrong: int = 0, other: int = 0):
    """Six rounds; the last two have so much more. The first, in which pools fill, has much less."""
    quiet = [soak.Quiet(50 * MIB, 10)] * 2 + [soak.Quiet(100 * MIB, 20)] * 2
    quiet += [soak.Quiet(100 * MIB + memory, 20 + descriptors)] * 2
    return soak.Soaked(Result(Counter(length=9), ["w"] * wrong, ["o"] * other), quiet, faults)


def test_it_is_met_where_nothing_grows():
    assert soak.judged(soaked(), PLAN).met
    assert soak.judged(soaked(memory=MIB // 2), PLAN).met


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(soaked(memory=2 * MIB), id="memory grew"),
        pytest.param(soaked(descriptors=1), id="descriptors grew"),
        pytest.param(soaked(wrong=1), id="a wrong body"),
        pytest.param(soaked(other=1), id="an answer of another kind"),
        pytest.param(soaked(faults=("UnexpectedEventError",)), id="a transition outside the table"),
    ],
)
def test_it_is_missed_where_anything_is_wrong(found: soak.Soaked):
    assert not soak.judged(found, PLAN).met


def test_bodies_belong_to_one_request():
    assert body_of("1", 300) == body_of("1", 300)[:300]
    assert body_of("1", 300) != body_of("2", 300)
    assert len(body_of("1", 70_000)) == 70_000
