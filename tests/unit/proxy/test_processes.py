"""Several processes at one port: how many, what each is given, and what is told of all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from guildnet_proxy.auth.used_tickets import UsedHere, UsedInFolder, UsedTickets
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.processes.cpus import processes_of
from guildnet_proxy.processes.share import Share
from guildnet_proxy.processes.totals import Totals
from guildnet_proxy.settings import Settings

# ---- how many -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "asked", "expected"),
    [
        ({}, 0, 1), ({"cpu.max": "max 100000"}, 0, 1), ({"cpu.max": "50000 100000"}, 0, 1),
        ({"cpu.max": "399000 100000"}, 0, 3), ({"cpu.max": "400000 100000"}, 0, 4),
        ({"cpu.max": "400000 100000"}, 2, 2),
        ({"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 0, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 0, 1), ({"cpu.max": "x"}, 0, 1),
    ],
)  # fmt: skip
def test_there_is_a_process_for_each_whole_cpu_of_the_limit(
    tmp_path: Path, files: dict[str, str], asked: int, expected: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert processes_of(asked, tmp_path) == expected


# ---- what each is given ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_the_parts_of_a_bound_are_the_bound_and_never_nothing(count: int) -> None:
    given = Settings(local_origin="http://g.localhost:1", streams_per_workspace=5, requests_per_identity=100)
    shares = [Share(index, count, Path("/x")) for index in range(count)]
    for share in shares:
        parts = share.settings(given)
        assert parts.streams_per_workspace == math.ceil(5 / count)
        assert parts.requests_per_identity == math.ceil(100 / count)
        assert share.limits(Limits()).connections == math.ceil(Limits().connections / count)
        assert share.limits(Limits()).connections_per_address == math.ceil(Limits().connections_per_address / count)
        assert parts.first_byte_seconds == given.first_byte_seconds
    assert [share.leads for share in shares] == [True, *[False] * (count - 1)]


@pytest.mark.parametrize("makes", [lambda _: UsedHere(), UsedInFolder], ids=["one process", "several"])
def test_a_ticket_is_used_once_and_forgotten_when_it_has_expired(
    tmp_path: Path, makes: Callable[[Path], UsedTickets]
) -> None:
    used = makes(tmp_path / "tickets")
    assert used.use("aa", 1030.0, 1000.0)
    assert not used.use("aa", 1030.0, 1030.0)
    assert used.use("bb", 1050.0, 1031.0)
    assert used.use("aa", 1060.0, 1031.0), "it could not be read any more: it has expired"


def test_a_ticket_that_another_process_has_seen_is_used_up(tmp_path: Path) -> None:
    first, second = UsedInFolder(tmp_path / "tickets"), UsedInFolder(tmp_path / "tickets")
    assert (first.use("aa", 1030.0, 1000.0), second.use("aa", 1030.0, 1000.0)) == (True, False)


# ---- what is told of all of them ------------------------------------------------------------------------------------


def process(requests: int, open_: int, seconds: list[float]) -> str:
    """What one process says of itself."""
    registry = CollectorRegistry()
    counter = Counter("requests", "Requests.", ("kind",), registry=registry)
    counter.labels("api").inc(requests)
    Gauge("upgraded", "Open.", registry=registry).set(open_)
    Gauge("engine_info", "1.", ("compiled",), registry=registry).labels("true").set(1)
    Gauge("process_start_time_seconds", "When.", registry=registry).set(100 + requests)
    histogram = Histogram("seconds", "Time.", buckets=(1, 2), registry=registry)
    for value in seconds:
        histogram.observe(value)
    return generate_latest(registry).decode()


def told(registry: CollectorRegistry) -> dict[str, float]:
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_are_added_up() -> None:
    registry = CollectorRegistry()
    totals = Totals(registry)
    totals.put(0, process(3, 1, [0.5, 1.5]))
    totals.put(1, process(4, 2, [1.5, 9.0]))
    found = told(registry)
    assert found['requests_total{kind="api"}'] == 7
    assert found["upgraded"] == 3
    assert found['engine_info{compiled="true"}'] == 1
    assert found["process_start_time_seconds"] == 103
    assert [found[f'seconds_bucket{{le="{bound}"}}'] for bound in ("1.0", "2.0", "+Inf")] == [1, 3, 4]
    assert (found["seconds_count"], found["seconds_sum"]) == (4, 12.5)


def test_what_a_process_had_counted_stays_counted_when_it_is_gone_and_what_it_held_does_not() -> None:
    registry = CollectorRegistry()
    totals = Totals(registry)
    for number in range(3):
        totals.put(0, process(3, 5, [0.5]))
        assert told(registry)['requests_total{kind="api"}'] == 3 * (number + 1)
        totals.end(0)
    found = told(registry)
    assert (found['requests_total{kind="api"}'], found["seconds_count"], found.get("upgraded")) == (9, 3, None)


def test_a_process_that_was_asked_twice_counts_once() -> None:
    registry = CollectorRegistry()
    totals = Totals(registry)
    for requests in (3, 4):
        totals.put(0, process(requests, 1, []))
    assert told(registry)['requests_total{kind="api"}'] == 4
