"""What one caller may have open at once: a bound of its own for requests and for upgraded connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.admission import Admission, InFlight
from guildnet_proxy.http.errors import Refusal


def test_one_more_than_the_bound_is_429_and_the_other_kind_is_not_touched():
    admission = Admission(streams=9, requests=2, upgrades=1)
    for _ in range(2):
        admission.admit_caller(admission.of("ann"), upgrade=False)
    admission.admit_caller(admission.of("ann"), upgrade=True)
    told = []
    for upgrade in (False, True):
        with pytest.raises(Refusal) as refused:
            admission.admit_caller(admission.of("ann"), upgrade=upgrade)
        told.append((refused.value.status, refused.value.code, refused.value.rule))
    assert told == [
        (429, "identity_limit", "requests-per-identity"), (429, "identity_limit", "upgrades-per-identity"),
    ]  # fmt: skip
    assert admission.refused == {"streams": 0, "requests-per-identity": 1, "upgrades-per-identity": 1}
    admission.admit_caller(admission.of("bob"), upgrade=False)


def test_what_is_over_may_be_opened_again_and_leaves_nothing_behind():
    admission = Admission(streams=9, requests=1, upgrades=1)
    for _ in range(3):
        mine = admission.admit_caller(admission.of("ann"), upgrade=False)
        admission.release_caller(mine, upgrade=False)
    assert len(admission.callers) == 0


def test_who_was_idle_is_counted_with_what_the_same_caller_opened_elsewhere():
    """A way keeps its caller's counters while nothing is open; another way may have begun new ones meanwhile."""
    admission = Admission(streams=9, requests=2, upgrades=1)
    kept = admission.of("ann")
    other = admission.admit_caller(admission.of("ann"), upgrade=False)
    assert admission.admit_caller(kept, upgrade=False) is other
    with pytest.raises(Refusal):
        admission.admit_caller(kept, upgrade=False)


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 2), st.booleans(), st.booleans())))
def test_whatever_comes_and_goes_nobody_has_more_than_the_bound(steps: list[tuple[str, int, bool, bool]]):
    admission = Admission(streams=9, requests=2, upgrades=2)
    ways = {(name, number): InFlight(name) for name in ("ann", "bob") for number in range(3)}
    held: list[tuple[str, InFlight, bool]] = []
    for name, number, upgrade, ends in steps:
        if ends and held:
            _, mine, was = held.pop(0)
            admission.release_caller(mine, upgrade=was)
            continue
        have = sum(1 for who, _, was in held if who == name and was == upgrade)
        try:
            mine = admission.admit_caller(ways[name, number], upgrade=upgrade)
        except Refusal:
            assert have == 2
        else:
            assert have < 2
            ways[name, number] = mine
            held.append((name, mine, upgrade))
    assert len(admission.callers) == len({name for name, _, _ in held})
