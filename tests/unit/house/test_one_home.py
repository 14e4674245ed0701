"""One home per fact: services that share a fact answer alike, and one that goes its own way is noticed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from support.facts import FACTS, Fact


@pytest.mark.parametrize("fact", FACTS, ids=[fact.name for fact in FACTS])
def test_services_that_share_a_fact_answer_alike(fact: Fact):
    assert list(fact.differences(25)) == []


@pytest.mark.parametrize("fact", FACTS, ids=[fact.name for fact in FACTS])
def test_a_service_that_goes_its_own_way_is_noticed(fact: Fact):
    odd = replace(fact, askers={**fact.askers, "odd": lambda _: random.random()})
    assert len(list(odd.differences(3))) == 3
