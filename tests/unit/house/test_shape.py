"""The shape of the sources: no import cycles, and folders that fit in a glance."""

from __future__ import annotations

from proofs.contracts import cycles, flat_folders, groups


def test_no_module_imports_itself_by_a_detour():
    assert cycles()[1] == []


def test_no_folder_holds_more_modules_than_fit_in_a_glance():
    assert flat_folders() == []


def test_a_cycle_would_be_seen():
    assert groups({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert groups({"a": {"b"}, "b": set()}) == []
