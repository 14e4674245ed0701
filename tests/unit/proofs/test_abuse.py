"""What the proof of abuse calls met: each bound alone can miss it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs import abuse
from proofs.hostile import clients, upstreams
from proofs.hostile.running import Beside, Found

MIB = 2**20
GOOD = Beside(("one", "two"), stall=0.05, grown=16 * MIB, p99=0.02, failures=())


def test_all_bounds_kept_is_met():
    figure = abuse.judged(Found(0.01, [GOOD, GOOD], 0))
    assert figure.met
    assert figure.text.startswith("4 attacks: resident growth 16.0 MiB")


@pytest.mark.parametrize(
    ("worse", "gate"),
    [
        (replace(GOOD, stall=0.051), "stall"),
        (replace(GOOD, grown=16 * MIB + 1), "growth"),
        (replace(GOOD, p99=0.0201), "p99"),
        (replace(GOOD, failures=("reset",)), "failures"),
    ],
    ids=["stall", "growth", "p99", "failure"],
)
def test_one_bound_missed_in_one_group_misses_and_is_named(worse: Beside, gate: str):
    figure = abuse.judged(Found(0.01, [GOOD, worse, GOOD], 0))
    assert not figure.met
    assert figure.missed == [gate]


def test_a_connection_left_misses():
    figure = abuse.judged(Found(0.01, [GOOD], 1))
    assert not figure.met
    assert figure.missed == ["left"]


def test_every_path_an_attack_asks_for_is_one_of_the_hostile_workspace():
    asked: set[str] = set()

    class Asked(clients.Hostile):
        def __init__(self) -> None:
            self.where = {"host": "c", "hosts": {"evil": "a"}, "cookies": {"evil": "b"}}

        def ask(self, path: str, *fields: str, method: str = "GET") -> bytes:
            asked.add(path.strip("/"))
            return super().ask(path, *fields, method=method)

    it = Asked()
    for attack in clients.ATTACKS.values():
        for cell in attack.__closure__ or ():
            if callable(cell.cell_contents) and cell.cell_contents.__name__ == "<lambda>":
                try:
                    cell.cell_contents(it)
                except AttributeError:
                    continue  # a token needs a loop
    assert len(asked) >= 6
    assert asked <= set(upstreams.TALKS)
    assert len(clients.ATTACKS) >= 40
