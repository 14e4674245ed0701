"""show-docs: what becomes of a block whose command fails, and what is not typed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.docs import Played, played
from support.documents import Block, Command, Place


def block(place: Place, *texts: str, reason: str = "") -> Block:
    return Block(1, place, tuple(Command(text, asked=place is Place.OWN) for text in texts), reason)


def test_each_command_is_typed_into_a_shell_of_its_own_in_the_persons_home(tmp_path: Path):
    found = played(block(Place.ANY, "echo one > ~/said", 'test "$(cat ~/said)" = one', "test -e README.md"), tmp_path)
    assert found == Played(Place.ANY, 3)
    assert (tmp_path / "said").read_text() == "one\n"


def test_a_failure_is_told_with_what_was_said_and_ends_the_block(tmp_path: Path):
    found = played(block(Place.FRESH, "echo wrong >&2; exit 3", "touch ~/after"), tmp_path)
    assert found == Played(Place.FRESH, 2, "$ echo wrong >&2; exit 3\nwrong\n")
    assert not (tmp_path / "after").exists()


@pytest.mark.parametrize("text", ["false | true", "false; true", 'echo "$unset"'])
def test_nothing_that_fails_is_passed_over(tmp_path: Path, text: str):
    assert played(block(Place.ANY, text), tmp_path).failed


def test_what_ends_or_plays_the_proof_and_what_runs_nowhere_is_not_typed(tmp_path: Path):
    assert played(block(Place.ANY, "make test", "true", "make down"), tmp_path) == Played(Place.ANY, 1)
    assert played(block(Place.NOWHERE, "exit 1", reason="it needs a ship"), tmp_path) == Played(Place.NOWHERE)
