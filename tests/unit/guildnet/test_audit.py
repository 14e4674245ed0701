"""The audit line: one schema, and an error where it cannot be written."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest

from guildnet.audit import Line, Writer
from guildnet.errors import Unreachable
from guildnet.identity import ANONYMOUS, Identity
from guildnet.web.entries import Entry

LINE = Line("rid", "launch", "lab", allowed=True, rule="open", result="allowed", fields=("image", "notes"))


def test_a_line_has_these_fields_in_this_order_and_no_other() -> None:
    ada = Identity("user", "ada@example.com", source="tailnet", entry=Entry("tailnet", "https://g.ts.net", "port"))
    written: list[str] = []
    Writer("api", written.append).record(ada, LINE)
    (text,) = written
    assert "\n" not in text
    line = json.loads(text)
    assert line.pop("time").endswith("Z")
    assert line == {
        "audit": 1, "service": "api", "request_id": "rid", "who": "ada@example.com", "kind": "user",
        "source": "tailnet", "entry": "tailnet", "action": "launch", "object": "lab",
        "allowed": True, "rule": "open", "result": "allowed", "fields": ["image", "notes"],
    }  # fmt: skip
    assert list(json.loads(text)) == ["audit", "time", "service", *list(line)[2:]]


def test_a_sum_says_of_whom_and_how_many() -> None:
    line = Line("", "request", "", allowed=False, rule="anonymous", result="401", address="10.0.0.1", count=7)
    assert list(json.loads(Writer("proxy").encoded(None, line)).items())[-2:] == [("address", "10.0.0.1"), ("count", 7)]


@pytest.mark.parametrize("identity", [None, ANONYMOUS])
def test_nobody_is_anonymous(identity: Identity | None) -> None:
    line = json.loads(Writer("proxy").encoded(identity, LINE))
    assert (line["who"], line["kind"], line["source"], line["entry"]) == ("anonymous", "anonymous", "none", "")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("I/O operation on closed file")])
def test_a_line_that_cannot_be_written_is_an_error_of_its_own(error: Exception) -> None:
    def full(_: str) -> NoReturn:
        raise error

    with pytest.raises(Unreachable) as caught:
        Writer("api", full).record(ANONYMOUS, LINE)
    assert caught.value.code == "audit_failed"
