"""Ratios come from samples of the same turn, void samples count for nothing, and a miss has its reason."""

from __future__ import annotations

import pytest

from proofs import proxy_speed
from proofs.bench import gates, report, results
from proofs.bench.gates import GATES, TURNS, Gate
from proofs.bench.results import Round, Sample, Spread

VERSIONS = {"guildnet": "1.0", "nginx": "1.22.1"}
FASTER = Gate("1 KB", "small", "nginx", 0.5, 0.7, 0.9)
CHEAPER = Gate("download", "download", "nginx", 0.6, 0.5, 0.4, most=True)
SMALLER = Gate("idle", "idle", "", 4.0, 4.0, 3.0, most=True, unit=" KiB")


def turns(scenario: str, proxy: str, *costs: float) -> list[Sample]:
    return [Sample(scenario, proxy, turn, cost, 1000, 0.95) for turn, cost in enumerate(costs)]


def test_a_sample_is_the_cpu_time_of_a_unit():
    found = Sample.of("download", "nginx", 0, Round(10, 2.0, 1.0, 0.1), 50.0)
    assert (found.cost, found.rate, found.busy, found.others) == pytest.approx((2000.0, 250.0, 0.5, 0.1))


@pytest.mark.parametrize(
    "found", [Round(10, 2, 1, 0, "status 502"), Round(0, 2, 1, 0)], ids=["a fault", "nothing done"]
)
def test_a_round_with_a_fault_or_without_an_operation_is_void(found):
    sample = Sample.of("small", "nginx", 0, found, 1.0)
    assert sample.fault
    assert results.valid([sample], "small", "nginx") == {}


def test_a_ratio_is_the_median_of_the_turns_and_not_of_the_proxies():
    # The machine is ten times slower in the last turn; for both, so no ratio moves.
    samples = turns("small", "guildnet", 20, 20, 200) + turns("small", "nginx", 10, 12, 110)
    assert results.ratio(samples, "small", "nginx", "guildnet") == Spread(3, 0.55, 0.5, 0.6)


def test_a_void_sample_takes_its_turn_out_of_the_ratio():
    samples = [
        *turns("small", "guildnet", 20), Sample("small", "guildnet", 1, 1.0, fault="status 502"),
        *turns("small", "nginx", 10, 10),
    ]  # fmt: skip
    assert results.ratio(samples, "small", "nginx", "guildnet") == Spread(1, 0.5, 0.5, 0.5)
    assert results.faults(samples, "small", "guildnet") == ["status 502"]


@pytest.mark.parametrize(
    ("gate", "ours", "theirs", "level"),
    [
        pytest.param(FASTER, 11, 10, "stretch", id="at least: stretch"),
        pytest.param(FASTER, 14, 10, "target", id="at least: target"),
        pytest.param(FASTER, 20, 10, "met", id="at least: just met"),
        pytest.param(FASTER, 21, 10, "MISSED", id="at least: missed"),
        pytest.param(CHEAPER, 4, 10, "stretch", id="at most: stretch"),
        pytest.param(CHEAPER, 6, 10, "met", id="at most: just met"),
        pytest.param(CHEAPER, 7, 10, "MISSED", id="at most: missed"),
        pytest.param(SMALLER, 4, None, "target", id="of our own: met"),
        pytest.param(SMALLER, 5, None, "MISSED", id="of our own: missed"),
    ],
)
def test_a_gate_is_met_by_the_median(gate, ours, theirs, level):
    samples = turns(gate.scenario, "guildnet", *[ours] * TURNS)
    samples += turns(gate.scenario, "nginx", *[theirs] * TURNS) if theirs else []
    assert gates.verdict(gate, samples, VERSIONS).level == level


def test_a_miss_says_what_both_cost_and_what_is_allowed():
    samples = turns("small", "guildnet", *[40] * TURNS) + turns("small", "nginx", *[10] * TURNS)
    assert gates.verdict(FASTER, samples, VERSIONS).reason == ("40.0 µs of CPU against 10.0, where 20.0 are allowed")


def test_few_turns_prove_nothing():
    samples = turns("small", "guildnet", *[10] * (TURNS - 1)) + turns("small", "nginx", *[10] * TURNS)
    found = gates.verdict(FASTER, [*samples, Sample("small", "guildnet", 4, 0, fault="another body")], VERSIONS)
    assert not found.met
    assert found.reason == "4 of 5 turns count (guildnet: another body)"


def test_what_was_not_measured_is_missed():
    assert gates.verdict(FASTER, [], VERSIONS).level == "MISSED"


def test_an_absent_peer_is_not_available_and_never_a_failure():
    found = gates.verdict(FASTER, turns("small", "guildnet", *[10] * TURNS), {"guildnet": "1.0", "nginx": None})
    assert (found.level, found.reason, found.judged) == ("not available", "", False)


def everything(ours: float, versions: dict[str, str | None]) -> list[Sample]:
    """Samples of every gate: guildnet at `ours`, peers at 100."""
    names = {gate.scenario for gate in GATES}
    return [
        sample
        for name in names
        for proxy in versions
        for sample in turns(name, proxy, *[ours if proxy == "guildnet" else 100] * TURNS)
    ]


ALL: dict[str, str | None] = {"guildnet": "1", "nginx": "1", "chp": "5", "aiohttp": "3", "go": "1.26", "client": "1"}


@pytest.mark.parametrize(
    ("ours", "absent", "met"),
    [
        pytest.param(1, "", True, id="all are met"),
        pytest.param(1, "chp", True, id="a peer is absent"),
        pytest.param(1, "nginx", False, id="nginx is absent: nothing is shown"),
        pytest.param(3.5, "", False, id="one is missed"),
    ],
)
def test_the_proof_is_met_when_every_gate_is(ours, absent, met):
    versions = {name: None if name == absent else version for name, version in ALL.items()}
    figure = proxy_speed.judged(gates.judged(everything(ours, versions), versions))
    assert figure.met is met
    assert ("not available" in figure.text) is bool(absent)


def test_a_missed_gate_is_in_the_figure():
    figure = proxy_speed.judged(gates.judged(everything(3.5, ALL), ALL))
    assert figure.text == "12 of 13 gates; missed: delay/own 3.50 ms"
    assert figure.missed == ["delay/own"]


def test_the_report_has_all_gates_all_costs_and_what_limits_them():
    samples = everything(200, ALL)
    samples = [Sample(*(item.scenario, item.proxy, item.turn, item.cost, 1000, 0.5, 0.3)) for item in samples]
    verdicts = gates.judged(samples, ALL)
    names = {"small": ("1 KB", "CPU µs/request"), "idle": ("idle WebSocket", "KiB")}
    text = report.markdown(verdicts, samples, names, ALL | {"caddy": None}, {"jupyterlab": [0.8, 0.9]})
    assert "| 100 KB | nginx | 0.50 | 0.50–0.50 | ≥ 1 | 1.3 | 1.5 | MISSED |" in text
    assert "| 1 KB, CPU µs/request | 200.0 (1,000/s) | 100.0 (1,000/s)" in text
    for said in (
        "**The machine was busy** (30%",
        "Not available: caddy.",
        "Session of jupyterlab: ",
        "the memo hit 85%",
        "show-log-fanout",
    ):
        assert said in text
