"""What is recorded of denials and sessions, and what happens when it cannot be."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from prometheus_client import CollectorRegistry

from guildnet_proxy.access_log import Records
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.http.errors import Refusal

RECORD = Record("rid", 0.0, entry="local", path="/login")
REQUEST: Any = SimpleNamespace(record=RECORD)


def full(_: str) -> NoReturn:
    raise OSError(28, "No space left on device")


def test_a_denial_is_one_audit_line_with_the_entry_it_came_through():
    written: list[str] = []
    Records(CollectorRegistry(), write=written.append).denied(RECORD, Refusal(403, "forbidden", "no", rule="origin"))
    line = json.loads(written[0])
    assert (line["audit"], line["service"], line["entry"], line["allowed"], line["rule"]) == (
        1, "proxy", "local", False, "origin",
    )  # fmt: skip


def test_a_denial_stands_where_its_line_cannot_be_written():
    Records(CollectorRegistry(), write=full).denied(RECORD, Refusal(403, "forbidden", "no", rule="origin"))


def test_a_login_whose_line_cannot_be_written_is_refused():
    with pytest.raises(Refusal) as refused:
        Records(CollectorRegistry(), write=full).session(REQUEST, "login", "")
    assert (refused.value.status, refused.value.code) == (503, "audit_failed")
