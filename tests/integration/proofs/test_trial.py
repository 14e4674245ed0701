"""A proof in a copy of the checkout: it sees the product of the copy, and one that notices nothing is told of."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from proofs import ROOT
from proofs.planted import trial
from proofs.planted.registry import of

(ONE_HOME,) = of(["one-home"])
HARMLESS = replace(ONE_HOME, what="nothing", becomes=f"{ONE_HOME.was}  # the same")


def test_a_fault_is_caught_and_what_is_none_is_told_of(capsys):
    before = (ROOT / ONE_HOME.file).read_text()
    with trial.copy() as copied:
        caught, missed = copied.trial(ONE_HOME), copied.trial(HARMLESS)
    assert caught.caught
    assert missed.without.met
    assert missed.planted.met
    assert not missed.caught
    assert "NOT CAUGHT" in capsys.readouterr().out
    assert (ROOT / ONE_HOME.file).read_text() == before


def test_what_make_starts_in_a_copy_is_the_copy():
    where = "import guildnet_local, guildnet; print(guildnet_local.__file__, guildnet.__file__)"
    with trial.copy() as copied:
        python = copied.directory / ".venv" / "bin" / "python"
        said = subprocess.run([python, "-c", where], env={}, capture_output=True, text=True, check=True).stdout
    assert all(file.startswith(f"{copied.directory}/") for file in said.split())
