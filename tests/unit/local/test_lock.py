"""One command at a time and one cluster per machine, and what a second checkout is told."""

from __future__ import annotations

import json
import multiprocessing
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from guildnet_local.machine.lock import Holder, Owner, busy, held, other_checkout, other_version, when
from guildnet_local.settings import LocalError

OWNER = Owner("/home/alice/guildnet", 1_700_000_000.0, "v1.35.4, layout 1", "boot")


def holder(checkout: str = "/here", command: str = "up") -> Holder:
    return Holder(123, command, checkout, 1_700_000_000.0)


def test_a_second_checkout_is_told_whose_cluster_runs_since_when_and_what_to_do():
    text = other_checkout(OWNER)
    assert "/home/alice/guildnet" in text
    assert when(OWNER.since) in text
    assert "make -C /home/alice/guildnet down" in text
    assert "down --other" in text


def test_another_version_is_told_to_go_down_first():
    text = other_version(OWNER, "v1.36.0, layout 2")
    assert "v1.35.4, layout 1" in text
    assert "v1.36.0, layout 2" in text
    assert "`make down` first" in text


def test_the_owner_is_read_back(tmp_path: Path):
    OWNER.completed().write(tmp_path / "cluster.json")
    read = Owner.read(tmp_path / "cluster.json")
    assert read == OWNER.completed()
    assert read != OWNER


@pytest.mark.parametrize("text", ["", "{", '{"checkout": "/x"}', '{"surprise": 1}'])
def test_an_unreadable_owner_is_none(tmp_path: Path, text: str):
    (tmp_path / "cluster.json").write_text(text)
    assert Owner.read(tmp_path / "cluster.json") is None


def test_the_lock_file_says_who_holds_it_and_goes_afterwards(tmp_path: Path):
    path = tmp_path / "lock"
    with held(path, holder(), print):
        assert json.loads(path.read_text())["command"] == "up"
    assert not path.exists()


def _hold(path: Path, checkout: str, wire: Connection) -> None:
    with held(path, holder(checkout), print):
        wire.send("held")
        wire.recv()


@pytest.fixture
def elsewhere(tmp_path: Path):
    """Another process that holds the lock for the checkout /there; returns what lets it go."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    other = context.Process(target=_hold, args=(tmp_path / "lock", "/there", there))
    other.start()
    assert here.poll(20)
    here.recv()
    yield lambda: here.send("go")
    here.close()
    other.join(10)
    there.close()


def test_another_checkouts_command_is_not_waited_for(tmp_path: Path, elsewhere):
    with pytest.raises(LocalError, match="of /there is at work"), held(tmp_path / "lock", holder("/here"), print):
        pytest.fail("two held the lock")
    elsewhere()


def test_a_command_of_the_same_checkout_is_waited_for(tmp_path: Path, elsewhere):
    told = threading.Event()
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        told.set()

    def let_go() -> None:
        told.wait(10)
        elsewhere()

    waiter = threading.Thread(target=let_go)
    waiter.start()
    with held(tmp_path / "lock", holder("/there"), report):
        assert lines == [busy(holder("/there"))]
        assert (tmp_path / "lock").exists(), "the lock held is the one everybody sees"
    waiter.join()
