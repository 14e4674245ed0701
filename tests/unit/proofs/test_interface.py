"""What the proofs of the web interface take for met, and that they ask for all they promise."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proofs import axe, keyboard, ui_original
from proofs.interface.outages import OUTAGES
from support.ui_pages import PLACES

GOOD = axe.Found(looks=6)


def test_nothing_found_on_pages_that_were_looked_at_is_good():
    assert GOOD.good
    assert not axe.Found().good, "nothing was looked at"


@pytest.mark.parametrize("kind", ["violations", "wide", "missing", "errors", "refused"])
def test_each_kind_of_complaint_misses(kind: str):
    assert not replace(GOOD, **{kind: 1}).good


def test_every_kind_of_page_is_looked_at_in_the_short_form_too():
    names = list(PLACES)
    assert len(names) >= 40
    assert {place.path.split("?")[0].split("/")[1] for place in PLACES.values()} >= {"", "new", "w", "me", "health"}
    assert len(names[::4]) >= 10


def test_a_journey_by_keyboard_is_good_when_all_of_it_is():
    hands = keyboard.Hands(None)  # type: ignore[arg-type]
    done = [step.__name__ for step in keyboard.STEPS]
    assert len(done) == 7
    assert keyboard.Journey(hands, done).good
    assert not keyboard.Journey(hands, done[:-1], "delete: lost").good
    assert not keyboard.Journey(hands, done, complaints=["an error"]).good
    assert not keyboard.Journey(keyboard.Hands(None, hidden=["Stop"]), done).good  # type: ignore[arg-type]


def test_the_first_generation_had_thirty_features_or_more_and_each_is_asked_once():
    names = [feature.what for feature in ui_original.FEATURES]
    assert len(names) >= 30
    assert len(set(names)) == len(names)
    assert all(feature.ours for feature in ui_original.FEATURES)


def test_every_outage_is_said_somewhere_else_than_when_all_is_well():
    for outage in OUTAGES:
        said = [outage.launch, outage.health, *([] if re.search(outage.log, "Live") else [outage.log])]
        assert any(said), outage.what
    assert sum(outage.seconds >= 60 for outage in OUTAGES) >= 2, "the network is cut for a minute, in both ways"
    assert any(outage.quick for outage in OUTAGES)
