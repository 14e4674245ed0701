"""The shape of the sources: no import cycles, and folders that fit in a glance."""

from __future__ import annotations

import re

from proofs import ROOT
from proofs.contracts import cycles, flat_folders, groups


def test_no_module_imports_itself_by_a_detour():
    assert cycles()[1] == []


def test_no_folder_holds_more_modules_than_fit_in_a_glance():
    assert flat_folders() == []


def test_a_cycle_would_be_seen():
    assert groups({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert groups({"a": {"b"}, "b": set()}) == []


def test_every_exception_from_a_check_says_why():
    """A `type: ignore` names its error, a `noqa` its rule, and both say why. Only tests put fakes in without a word."""
    sources = [path for top in SOURCES for path in (ROOT / top).rglob("*.py") if "node_modules" not in path.parts]
    assert sources
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"# (type: ignore|noqa)", line) and not _WITH_REASON.search(line)
    ]
    assert bare == []


SOURCES = ("services", "libs", "cli", "tools", "proofs")
_WITH_REASON = re.compile(r"# (type: ignore\[[a-z, -]+\]  # |noqa: [A-Z0-9, ]+  )\w")
