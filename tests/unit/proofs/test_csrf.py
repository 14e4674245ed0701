"""What the proof of forged requests sends, and what it takes for an effect."""

from __future__ import annotations

from collections import Counter

import pytest

from guildnet_api.routes import ROWS
from proofs.csrf import ORIGINS, Found, effect, judged
from proofs.forged.install import Answer
from proofs.forged.requests import VICTIM, Asked, forged, origins, own, routes

CONTROL = "http://guildnet.localhost:8080"
ASKED = Asked("from a page", "POST", "/api/jobs")


def test_twelve_origins_and_none_of_them_is_the_own():
    values = list(origins(CONTROL).values())
    assert len(set(values)) == ORIGINS == 12
    assert CONTROL not in values


def test_every_route_that_changes_or_streams_is_asked_from_every_origin():
    asked = {(each.method, each.target) for each in forged(CONTROL)}
    for row in ROWS:
        if row.method != "GET" or row.response == "text/event-stream":
            path = row.path.replace("{id}", VICTIM)
            assert any(method == row.method and target.partition("?")[0] == path for method, target in asked), row.path
    for method, target in asked:
        sent = {
            line for each in forged(CONTROL) if (each.method, each.target) == (method, target) for line in each.headers
        }
        assert {f"Origin: {origin}" for origin in origins(CONTROL).values()} <= sent


def test_what_the_own_page_asks_is_on_workspaces_of_its_own():
    assert {each.target for each in own(CONTROL)}.isdisjoint(
        {target for _, target, _ in routes(VICTIM) if VICTIM in target}
    )
    assert all(each.own for each in own(CONTROL))


@pytest.mark.parametrize(
    ("head", "complains"),
    [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", False),
        ("HTTP/1.1 421 Misdirected Request\r\n\r\n", False),
        ("HTTP/1.1 202 Accepted\r\n\r\n", True),
        ("HTTP/1.1 303 See Other\r\n\r\n", True),
        ("HTTP/1.1 500 Oh\r\n\r\n", True),
        ("HTTP/1.1 403 Forbidden\r\nAccess-Control-Allow-Origin: https://evil.example\r\n\r\n", True),
    ],
)
def test_an_effect_is_what_is_no_refusal_or_can_be_read(head: str, complains: bool):
    assert bool(effect(ASKED, Answer(int(head.split(" ")[1]), head, b""))) is complains


def test_it_is_met_without_effects_where_the_own_page_has_them():
    answers = Counter({403: 400})
    assert judged(Found(answers, worked=8)).met
    assert not judged(Found(answers)).met
    assert not judged(Found(worked=8)).met
    assert not judged(Found(answers, effects=["x"], worked=8)).met
    assert not judged(Found(answers, useless=["x"], worked=8)).met
