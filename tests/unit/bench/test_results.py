"""Ratios come from rounds of the same turn, and void rounds count for nothing."""

from __future__ import annotations

import pytest

from proofs.bench import results
from proofs.bench.results import Round

PRESENT = {"guildnet": "1.0", "nginx": "1.22.1", "aiohttp": "3.14"}


def a_round(proxy: str, turn: int, cpu_us: float, **more) -> Round:
    """A second in which 10,000 requests were answered, unless told otherwise."""
    requests = more.pop("requests", 10_000)
    values = {"seconds": 1.0, "cpu_seconds": cpu_us * requests / 1e6, "others": 0.0} | more
    return Round(proxy, turn, requests, **values)


def test_a_ratio_is_the_median_of_the_turns_and_not_of_the_proxies():
    # The machine is ten times slower in the last turn; for both, so no ratio moves.
    rounds = [
        a_round("guildnet", 0, 20), a_round("nginx", 0, 10),
        a_round("guildnet", 1, 20), a_round("nginx", 1, 12),
        a_round("guildnet", 2, 200, requests=1000), a_round("nginx", 2, 110, requests=2000),
    ]  # fmt: skip
    found = results.ratio(rounds, "nginx")
    assert found is not None
    assert (found.turns, found.cpu_least, found.cpu, found.cpu_most) == pytest.approx((3, 0.5, 0.55, 0.6))
    assert found.wall == pytest.approx(1.0)


def test_above_one_means_guildnet_is_ahead_in_both_columns():
    rounds = [a_round("guildnet", 0, 20, requests=30_000), a_round("aiohttp", 0, 160, requests=5000)]
    found = results.ratio(rounds, "aiohttp")
    assert found is not None
    assert (found.cpu, found.wall) == pytest.approx((8.0, 6.0))


def test_a_void_round_takes_its_turn_out_of_the_ratio():
    rounds = [
        a_round("guildnet", 0, 20), a_round("nginx", 0, 10),
        a_round("guildnet", 1, 1, fault="status 502"), a_round("nginx", 1, 10),
    ]  # fmt: skip
    found = results.ratio(rounds, "nginx")
    assert found is not None
    assert found.turns == 1
    assert found.cpu == pytest.approx(0.5)
    table = results.markdown(rounds, PRESENT | {"aiohttp": None})
    assert "| guildnet | 1.0 | 20.0 | 10,000 | 20% | 0% | 1 | 1 |" in table
    assert "Void rounds: guildnet: status 502." in table


def test_a_proxy_without_a_valid_round_is_named_and_has_no_ratio():
    rounds = [
        a_round("guildnet", 0, 20),
        a_round("nginx", 0, 10, fault="another body"),
        Round("aiohttp", 0, 0, 0, 0, 0),
    ]
    assert results.silent(rounds, PRESENT) == ["nginx", "aiohttp"]
    assert results.ratio(rounds, "nginx") is None
    assert "| nginx | no valid turn | – | 0 | – | 0.4 | 0.55 | 0.75 |" in results.markdown(rounds, PRESENT)


def test_an_absent_peer_is_not_available_and_never_a_failure():
    rounds = [a_round("guildnet", 0, 20), a_round("aiohttp", 0, 160)]
    table = results.markdown(rounds, PRESENT | {"nginx": None})
    assert "| nginx | not available | – | 0 | – | 0.4 | 0.55 | 0.75 |" in table
    assert "| nginx | not available | – | – | – | – | – | – |" in table
    assert "| aiohttp | 8.00 | 8.00–8.00 | 1 | 1.00 | 5 | 7 | 9 |" in table


@pytest.mark.parametrize(
    ("more", "note"),
    [
        pytest.param({"others": 0.3}, "**The machine was busy** (30%", id="other work"),
        pytest.param({"cpu_seconds": 0.5}, "could not fill the core of guildnet", id="waiting for load"),
    ],
)
def test_what_limits_the_figures_is_said_below_them(more, note):
    calm = a_round("guildnet", 0, 95)
    assert "busy**" not in results.markdown([calm], {"guildnet": "1.0"})
    assert "could not fill" not in results.markdown([calm], {"guildnet": "1.0"})
    assert note in results.markdown([a_round("guildnet", 0, 95, **more)], {"guildnet": "1.0"})


def test_a_core_shared_with_other_work_is_no_lack_of_load():
    shared = a_round("guildnet", 0, 80, others=0.18)
    assert "could not fill" not in results.markdown([shared], {"guildnet": "1.0"})


def test_the_document_holds_every_round_and_what_was_made_of_them():
    rounds = [a_round("guildnet", 0, 20), a_round("nginx", 0, 10, fault="status 502"), a_round("aiohttp", 0, 160)]
    document = results.document(rounds, PRESENT, {"scenario": "small"})
    assert document["scenario"] == "small"
    assert [item["fault"] for item in document["rounds"]] == ["", "status 502", ""]
    assert [item["peer"] for item in document["ratios"]] == ["aiohttp"]
