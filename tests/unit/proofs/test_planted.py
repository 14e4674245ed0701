"""Every proof has a planted fault, and every planted fault still fits the file it is planted in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import pytest

import proofs
from proofs import ROOT
from proofs.bench import gates
from proofs.planted import trial
from proofs.planted.plant import Plant
from proofs.planted.registry import PLANTS, SIDE_BY_SIDE, of
from proofs.planted.trial import Copy, Said, Trial
from proofs.proofs import ITSELF, prove

PLANT = Plant("some-word", "nothing is done", "product.py", "do()", "pass")
MET, MISSED = Said(0, ("some-word: 1 of 1 – met",), 0.1), Said(1, ("some-word: 0 of 1 – MISSED",), 0.1)
BROKEN = Said(1, ("Traceback …", "AssertionError"), 0.1)


def test_every_proof_has_a_planted_fault():
    assert {plant.word for plant in PLANTS} == {*proofs.words()} - {ITSELF}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.word)
def test_a_planted_fault_fits_its_file(plant: Plant):
    assert plant.fits(ROOT), f"{plant.file} does not have this text once: {plant.was!r}"


def test_a_fault_is_there_only_while_it_is_planted(tmp_path):
    file = tmp_path / PLANT.file
    file.write_text("before()\ndo()\n")
    with PLANT.planted(tmp_path):
        assert file.read_text() == "before()\npass\n"
    assert file.read_text() == "before()\ndo()\n"


def test_a_text_that_stands_there_twice_is_no_place_for_a_fault(tmp_path):
    (tmp_path / PLANT.file).write_text("do()\ndo()\n")
    assert not PLANT.fits(tmp_path)


@pytest.mark.parametrize(
    ("without", "planted", "caught"),
    [
        pytest.param(MET, MISSED, True, id="missed with the fault alone"),
        pytest.param(MET, MET, False, id="the proof does not notice it"),
        pytest.param(MISSED, MISSED, False, id="missed without the fault too: nothing was shown"),
        pytest.param(MET, BROKEN, False, id="a proof that breaks down measures nothing"),
        pytest.param(MET, Said(0, MISSED.lines, 0.1), False, id="MISSED, but the exit status is 0"),
    ],
)
def test_caught_is_met_without_the_fault_and_missed_with_it(without: Said, planted: Said, *, caught: bool):
    assert Trial(PLANT, without, planted).caught is caught


def said(status: int, *missed: str) -> Said:
    named = [f"{proofs.MISSED_GATES}{', '.join(missed)}"] if missed else []
    return Said(status, [*named, f"some-word: n of m – {'MISSED' if status else 'met'}"], 0.1)


@pytest.mark.parametrize(
    ("without", "planted", "caught"),
    [
        pytest.param(said(0), said(1, "one"), True, id="it alone"),
        pytest.param(said(1, "another"), said(1, "another", "one"), True, id="beside one that is missed anyway"),
        pytest.param(said(0), said(1, "another"), False, id="another in its place"),
        pytest.param(said(1, "one"), said(1, "one"), False, id="missed without the fault too"),
        pytest.param(said(1), said(1, "one"), False, id="missed without the fault, and no gate named"),
        pytest.param(said(1, "one-more"), said(1, "one-more"), False, id="one of a longer name"),
        pytest.param(said(0), said(0), False, id="the proof does not notice it"),
        pytest.param(BROKEN, said(1, "one"), False, id="nothing was measured without the fault"),
        pytest.param(said(0), Said(0, said(1, "one").lines, 0.1), False, id="MISSED, but the exit status is 0"),
    ],
)
def test_a_fault_for_one_gate_has_to_turn_that_gate(without: Said, planted: Said, *, caught: bool):
    assert Trial(replace(PLANT, gate="one"), without, planted).caught is caught


def test_a_fault_is_for_a_gate_that_its_proof_has():
    known = {
        "proxy-speed": {gate.name for gate in gates.GATES},
        "abuse": {"growth", "stall", "p99", "failures", "left"},
    }
    assert {plant.word for plant in PLANTS if plant.gate} == {*known}
    assert not [plant.gate for plant in PLANTS if plant.gate and plant.gate not in known[plant.word]]


def test_what_is_missed_without_a_fault_is_named(monkeypatch):
    plants = [replace(PLANT, word=word, gate="one") for word in sorted({*proofs.words()} - {ITSELF})]
    found = [Trial(plant, said(0), said(1, "one")) for plant in plants]
    found[0] = replace(found[0], without=said(1, "another"))
    monkeypatch.setattr(trial, "run", lambda _: found)
    figure = prove()
    assert figure.met
    assert figure.text.endswith(f"; missed here without a fault: {plants[0].word}")


def test_a_proof_without_a_planted_fault_cannot_be_asked_for():
    with pytest.raises(KeyError):
        of(["no-such-proof"])


@pytest.fixture
def played(tmp_path, monkeypatch) -> Counter[str]:
    """Proofs that notice whether `do()` is there, in copies that are empty but for it; how often each was asked."""
    asked: Counter[str] = Counter()

    @contextmanager
    def copy() -> Iterator[Copy]:
        directory = Path(mkdtemp(dir=tmp_path))
        (directory / PLANT.file).write_text("do()\n")
        yield Copy(directory)

    def prove(copied: Copy, plant: Plant) -> Said:
        asked[plant.word] += 1
        return MET if "do()" in (copied.directory / PLANT.file).read_text() else MISSED

    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(trial, "copy", copy)
    monkeypatch.setattr(Copy, "prove", prove)
    return asked


def test_a_proof_is_asked_once_without_a_fault_and_once_with_each(played):
    words = sorted(SIDE_BY_SIDE)[:5]
    plants = [replace(PLANT, word=word, what=what) for what in ("one", "another") for word in (*words, "alone")]
    found = trial.run(plants)
    assert all(each.caught for each in found)
    assert sorted((each.plant.word, each.plant.what) for each in found) == sorted((p.word, p.what) for p in plants)
    assert played == dict.fromkeys((*words, "alone"), 3)


def test_what_needs_the_local_cluster_has_it_alone():
    assert not [plant.word for plant in PLANTS if plant.cluster and plant.word in SIDE_BY_SIDE]
    assert {plant.word for plant in PLANTS} > SIDE_BY_SIDE
