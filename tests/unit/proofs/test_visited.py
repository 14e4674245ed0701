"""What the proofs of sessions, isolation and forged fields take for a figure that is met."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from proofs import forgery, isolation, sessions
from proofs.forgery import Door, accepted, cases
from proofs.visited.actions import ACTIONS, FRESH
from proofs.visited.browsing import PLACES
from proofs.visited.claims import EVIL, NAMES, exact, spellings
from proofs.visited.wire import Answer

API = Door("api", 1, "/api/me", (), "admin", echoes=False)
NOBODY = Door("api", 1, "/api/me", (), "", echoes=False)
POD = Door("pod", 1, "/x", (), "admin", echoes=True)
OURS = [["X-Forwarded-For", "1"], ["X-Forwarded-Host", "h"], ["X-Forwarded-Proto", "http"], ["Forwarded", "for=1"]]


def answered(body: object, status: int = 200) -> Answer:
    return Answer(status, "", json.dumps(body).encode())


def test_there_are_enough_spellings_and_none_twice():
    names = [name for name, _ in spellings()]
    assert len(names) == len(set(names)) >= forgery.SPELLINGS
    assert {name.lower().replace("_", "-").replace(".", "-") for name in names} == {name.lower() for name in NAMES}
    assert exact("TAILSCALE-user-login")
    assert not exact("Tailscale_User-Login")
    assert not exact("Remote-User")
    assert len(list(cases(API))) == len(names) + len(NAMES) + 1


@pytest.mark.parametrize(
    ("door", "answer", "harm"),
    [
        (API, answered({"login": "admin", "roles": ["admin"]}), False),
        (API, answered({"login": EVIL, "roles": []}), True),
        (API, answered({}, 401), True),
        (API, answered({}, 400), False),
        (NOBODY, answered({"login": ""}), False),
        (NOBODY, answered({"login": "", "roles": ["admin"]}), True),
        (NOBODY, answered({}, 403), False),
        (POD, answered({"headers": OURS}), False),
        (POD, answered({"headers": OURS[1:]}), True),
        (POD, answered({"headers": [*OURS, ["X_Forwarded_For", "2"]]}), True),
        (POD, answered({"headers": [*OURS, ["Remote-User", EVIL]]}), True),
    ],
)
def test_what_is_accepted(door: Door, answer: Answer, harm: bool):
    assert bool(accepted(door, answer)) is harm


def test_forgery_is_met_when_nothing_is_accepted_and_every_door_opens_to_its_own():
    assert forgery.judged(forgery.Found(100, 3, Counter({200: 100}))).met
    assert not forgery.judged(forgery.Found()).met
    assert not forgery.judged(forgery.Found(100, 3, accepted=["x"])).met
    assert not forgery.judged(forgery.Found(100, 3, shut=["x"])).met


def test_sessions_are_met_within_ten_seconds_for_everybody_but_the_witness():
    assert sessions.judged(sessions.Found({"a": 9.9}), 1).met
    assert not sessions.judged(sessions.Found({"a": 10.1}), 1).met
    assert not sessions.judged(sessions.Found(), 1).met
    assert not sessions.judged(sessions.Found({"a": 1.0}, stayed=["b"]), 1).met
    assert not sessions.judged(sessions.Found({"a": 1.0}, lost=["b"]), 1).met


def test_isolation_tries_sixteen_things_from_six_places():
    assert (len(ACTIONS), len(PLACES)) == (16, 6)
    assert set(ACTIONS) > FRESH
    whole = len(ACTIONS) * len(PLACES)
    assert isolation.judged(isolation.Found(whole)).met
    assert isolation.judged(isolation.Found(16, places=1)).met
    assert not isolation.judged(isolation.Found(whole - 1)).met
    assert not isolation.judged(isolation.Found(whole, effects=["x"])).met
    assert not isolation.judged(isolation.Found(whole, idle=["read"])).met
    assert not isolation.judged(isolation.Found(whole, cut=["a tab, read: its page went away"])).met
