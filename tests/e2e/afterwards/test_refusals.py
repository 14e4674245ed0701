"""No component ever ran into a refusal, whatever the tests before had it do. The last phase of a run."""

from __future__ import annotations

from support.local import RELEASE_NAMESPACE, Local
from support.release import refusals


def test_no_component_was_ever_refused_anything(local: Local):
    assert refusals(local, RELEASE_NAMESPACE, "guildnet") == {}
