"""What is recorded of requests, denials and sessions, and what happens when it cannot be."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from guildnet_proxy.access_log import MOST_AT_ONCE, Records
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.http.errors import Refusal
from unit.proxy.values import record

RECORD = record(entry="local", path="/login")


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
        Records(CollectorRegistry(), write=full).session(RECORD, "login", "")
    assert (refused.value.status, refused.value.code) == (503, "audit_failed")


def finished(status: int = 200, path: str = "/a") -> Record:
    return record(
        "rid", 10.0, method="GET", path=path, entry="local", kind="workspace", workspace="lab", who="ann@x",
        rule="service", status=status, sent=7, received=3,
    )  # fmt: skip


async def test_requests_are_counted_and_written_together_and_none_is_lost() -> None:
    written: list[str] = []
    registry = CollectorRegistry()
    records = Records(registry, write=written.append)
    records.finished(finished(), 10.5)
    records.finished(finished(404, '/q"\\\xe9'), 10.001)
    assert written == []
    records.flush()
    records.flush()
    first, second = (json.loads(line) for line in "".join(written).splitlines())
    assert len(written) == 1
    assert list(first) == [
        "event", "service", "level", "timestamp", "request_id", "method", "path", "status", "bytes", "received",
        "ms", "entry", "kind", "workspace", "who", "rule",
    ]  # fmt: skip
    assert (first["path"], first["ms"], first["bytes"], first["who"]) == ("/a", 500.0, 7, "ann@x")
    assert (second["path"], second["status"]) == ('/q"\\\xe9', 404)


async def test_the_time_of_a_line_is_when_its_request_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("guildnet_proxy.access_log.time.time", lambda: 1_700_000_000.25)
    records = Records(CollectorRegistry(), write=written.append)
    records.finished(finished(), 50.0)
    records.finished(finished(), 50.5)
    records.finished(finished(), 50.8)
    records.flush()
    stamps = [json.loads(line)["timestamp"] for line in "".join(written).splitlines()]
    assert stamps == ["2023-11-14T22:13:20.250Z", "2023-11-14T22:13:20.750Z", "2023-11-14T22:13:21.050Z"]


async def test_a_burst_is_not_held_for_the_time() -> None:
    written: list[str] = []
    records = Records(CollectorRegistry(), write=written.append)
    for _ in range(MOST_AT_ONCE):
        records.finished(finished(), 11.0)
    assert len("".join(written).splitlines()) == MOST_AT_ONCE
    records.flush()


async def test_metrics_count_what_has_finished_before_it_is_written() -> None:
    registry = CollectorRegistry()
    records = Records(registry, access_log=False, write=lambda _: None)
    for status in (200, 200, 499, 7, 999):
        records.finished(finished(status), 10.004)
    text = generate_latest(registry).decode()
    counts = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in text.splitlines()}
    label = 'guildnet_proxy_requests_total{entry="local",kind="workspace",status="%s"}'
    assert [counts.get(label % status) for status in ("200", "499", "other", "999")] == ["2.0", "1.0", "2.0", None]
    seconds = 'guildnet_proxy_request_seconds_%s{kind="workspace"%s}'
    assert counts[seconds % ("bucket", ',le="0.002"')] == "0.0"
    assert counts[seconds % ("bucket", ',le="0.005"')] == counts[seconds % ("bucket", ',le="+Inf"')] == "5.0"
    assert counts[seconds % ("count", "")] == "5.0"
    assert float(counts[seconds % ("sum", "")]) == pytest.approx(0.02)
    records.flush()


async def test_an_upgraded_connection_is_a_request_and_a_line_when_it_ends() -> None:
    written: list[str] = []
    registry = CollectorRegistry()
    records = Records(registry, write=written.append)
    record = finished(101)
    records.opened(record)
    text = generate_latest(registry).decode()
    assert 'guildnet_proxy_requests_total{entry="local",kind="workspace",status="101"} 1.0' in text
    assert "guildnet_proxy_upgraded_connections 1.0" in text
    records.closed(record, 70.0)
    records.flush()
    opened, closed, line = (json.loads(text) for text in "".join(written).splitlines())
    assert [opened["action"], closed["action"], line["event"], line["ms"]] == ["open", "close", "upgraded", 60000.0]
