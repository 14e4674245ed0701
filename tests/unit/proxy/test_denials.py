"""Denials of strangers: the first are audited one by one, a flood as sums, and every one is in the audit once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from guildnet.identity import ANONYMOUS, Identity
from guildnet_proxy.access_log import Records
from guildnet_proxy.denials import FIRST_IN_ALL, FIRST_OF_A_KIND, MAX_KINDS, SUM_SECONDS
from guildnet_proxy.http.errors import Refusal
from unit.proxy.values import record

LOGIN = Refusal(401, "unauthenticated", "no", rule="anonymous")
FORBIDDEN = Refusal(403, "cross_origin", "no", rule="origin")


class Audited:
    """A Records, and the audit lines it wrote."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.written: list[str] = []
        self.records = Records(self.registry, write=self.written.append)

    def denied(self, error: Refusal, address: str = "10.0.0.1", who: Identity | None = None) -> None:
        self.records.denied(record(entry="local", path="/api/servers", address=address, identity=who), error)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in "".join(self.written).splitlines()]

    def counted(self) -> Counter[tuple[str, str]]:
        """Denials in the audit, by address and rule."""
        found: Counter[tuple[str, str]] = Counter()
        for line in self.lines():
            found[line.get("address", ""), line["rule"]] += line.get("count", 1)
        return found


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Audited:
    """The clock stands still, so nothing is summed up before the end."""
    monkeypatch.setattr("guildnet_proxy.denials.monotonic", lambda: 100.0)
    return Audited()


async def test_a_flood_is_the_first_few_lines_and_one_sum(audited: Audited):
    for _ in range(10_000):
        audited.denied(LOGIN)
    assert len(audited.lines()) == FIRST_OF_A_KIND
    audited.records.flush()
    assert len(audited.lines()) == FIRST_OF_A_KIND, "sums have an interval of their own"
    audited.records.close()
    first, *_, total = audited.lines()
    assert (first["request_id"], first["object"], first["address"]) == ("rid", "/api/servers", "10.0.0.1")
    assert "count" not in first
    assert total == first | {
        "time": total["time"], "request_id": "", "object": "", "count": 10_000 - FIRST_OF_A_KIND,
    }  # fmt: skip
    assert len(audited.lines()) == FIRST_OF_A_KIND + 1
    assert 'guildnet_proxy_denials_total{rule="anonymous"} 10000.0' in generate_latest(audited.registry).decode()


async def test_every_reason_and_every_address_has_its_own_first_lines_and_sum(audited: Audited):
    for _ in range(50):
        for address in ("10.0.0.1", "10.0.0.2"):
            audited.denied(LOGIN, address)
            audited.denied(FORBIDDEN, address)
    assert len(audited.lines()) == 4 * FIRST_OF_A_KIND
    audited.records.close()
    assert audited.counted() == {
        (address, rule): 50 for address in ("10.0.0.1", "10.0.0.2") for rule in ("anonymous", "origin")
    }


async def test_a_flood_from_everywhere_is_bounded_and_none_is_lost(audited: Audited):
    for number in range(5_000):
        audited.denied(LOGIN, f"10.{number >> 8}.{number & 255}.1")
    assert len(audited.lines()) == FIRST_IN_ALL
    audited.records.close()
    assert len(audited.lines()) <= FIRST_IN_ALL + MAX_KINDS + 1
    counted = audited.counted()
    assert sum(counted.values()) == 5_000
    assert counted["", "anonymous"] > 0, "the rest has no address"


async def test_a_new_interval_begins_with_single_lines(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr("guildnet_proxy.denials.monotonic", lambda: now[0])
    audited = Audited()
    for _ in range(2):
        for _ in range(FIRST_OF_A_KIND + 3):
            audited.denied(LOGIN)
        now[0] += SUM_SECONDS + 1
    audited.denied(LOGIN)
    assert [line.get("count") for line in audited.lines()] == [*[None] * FIRST_OF_A_KIND, 3] * 2 + [None]


async def test_a_sum_is_written_when_its_interval_ends_without_another_denial(monkeypatch: pytest.MonkeyPatch):
    called: list[tuple[float, Any]] = []

    def call_later(seconds: float, callback: Any) -> Any:
        called.append((seconds, callback))
        return SimpleNamespace(cancel=lambda: None)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_later", call_later)
    audited = Audited()
    for _ in range(FIRST_OF_A_KIND):
        audited.denied(LOGIN)
    assert called == []
    audited.denied(LOGIN)
    audited.denied(LOGIN)
    ((seconds, callback),) = called
    assert 0 < seconds <= SUM_SECONDS
    callback()
    assert audited.lines()[-1]["count"] == 2


@pytest.mark.parametrize("who", [None, ANONYMOUS], ids=["unknown", "anonymous"])
async def test_whoever_nobody_vouches_for_is_a_stranger(audited: Audited, who: Identity | None):
    for _ in range(100):
        audited.denied(LOGIN, who=who)
    assert len(audited.lines()) == FIRST_OF_A_KIND


async def test_a_denial_of_somebody_known_is_a_line_each(audited: Audited):
    for _ in range(100):
        audited.denied(FORBIDDEN, who=Identity("user", "ann@x", "Ann"))
    assert [line["who"] for line in audited.lines()] == ["ann@x"] * 100
    assert not any("address" in line for line in audited.lines())
