"""The journal of the local cluster: written before the making, replayed backwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local.machine.journal import BrokenJournalError, Entry, Journal, backwards, parse


def test_what_was_made_last_is_undone_first():
    entries = (Entry("directory", {"path": "/a"}), Entry("netns", {"path": "/n"}), Entry("process", {"name": "etcd"}))
    assert [entry.kind for entry in backwards(entries)] == ["process", "netns", "directory"]


def test_a_resource_made_twice_is_undone_once_and_where_it_was_made_last():
    first, second = Entry("process", {"name": "a"}), Entry("process", {"name": "b"})
    assert list(backwards((first, second, first))) == [first, second]


def test_an_entry_is_on_disk_before_intend_returns(tmp_path: Path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.intend("netns", path="/run/x/net")
    assert parse((tmp_path / "journal.jsonl").read_text()) == (Entry("netns", {"path": "/run/x/net"}),)


def test_intending_the_same_again_writes_nothing_even_in_a_later_run(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    Journal(path).intend("cgroup")
    Journal(path).intend("cgroup")
    assert path.read_text().count("\n") == 1


def test_without_a_file_there_are_no_entries(tmp_path: Path):
    assert Journal(tmp_path / "none").entries() == ()


def test_a_last_line_cut_short_by_a_crash_is_ignored(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"kind": "cgroup"}\n{"kind": "proc')
    assert Journal(path).entries() == (Entry("cgroup", {}),)


def test_the_next_entry_is_not_glued_to_a_line_cut_short(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"kind": "cgroup"}\n{"kind": "proc')
    Journal(path).intend("process", name="etcd")
    assert parse(path.read_text()) == (Entry("cgroup", {}), Entry("process", {"name": "etcd"}))


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"path": "/x"}', "3"])
def test_a_line_in_the_middle_that_is_no_entry_is_refused_by_number(line: str):
    with pytest.raises(BrokenJournalError, match="line 2"):
        parse(f'{{"kind": "cgroup"}}\n{line}\n{{"kind": "cgroup"}}\n')
