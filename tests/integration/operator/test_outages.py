"""An API server that is out of order in one way or another: the operator asks seldom, and afterwards does its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet.kube.client import Client
from guildnet.kube.reflector import Reflector
from guildnet_operator.watch import kopf_source
from proofs.crash.outages import MOST_PER_SECOND, OUTAGES, many_meanwhile, outage
from proofs.crash.stage import stage
from support.apiserver import ApiServer

OUTAGE_SECONDS = 20.0
MANY = 60
"""Tried one a second they would take twice what is allowed; made, they take 4 s of two idle cores, of which the tests
beside leave a fraction."""


@pytest.mark.parametrize("kind", [kind for kind in OUTAGES if kind != "deaf watch"])
async def test_an_outage_is_waited_out_quietly_and_then_made_up_for(
    api_server_with_controllers: ApiServer, kube: Client, tmp_path: Path, kind: str
):
    async with stage(api_server_with_controllers, kube, tmp_path) as played:
        cost = await outage(played, kind, OUTAGE_SECONDS)
    assert cost.rate <= MOST_PER_SECOND, str(cost)


async def test_many_workspaces_that_cannot_be_written_wait_in_turn_and_go_together_when_it_is_over(
    api_server_with_controllers: ApiServer, kube: Client, tmp_path: Path
):
    async with stage(api_server_with_controllers, kube, tmp_path) as played:
        cost = await many_meanwhile(played, MANY, OUTAGE_SECONDS)
    assert cost.rate <= MOST_PER_SECOND, str(cost)


async def test_watches_that_died_without_a_word_are_replaced_when_they_are_silent_too_long(
    api_server_with_controllers: ApiServer, kube: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    defaults = Reflector.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "silence", OUTAGE_SECONDS / 2)
    monkeypatch.setattr(kopf_source, "WATCH_IDLE_SECONDS", OUTAGE_SECONDS / 2)
    async with stage(api_server_with_controllers, kube, tmp_path) as played:
        cost = await outage(played, "deaf watch", OUTAGE_SECONDS)
    assert cost.rate <= MOST_PER_SECOND, str(cost)
