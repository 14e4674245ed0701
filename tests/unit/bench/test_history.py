"""docs/benchmarks.md keeps runs, and README's table is that of the newest."""

from __future__ import annotations

import re

import pytest

from proofs.bench import gates, history, report
from proofs.bench.results import Sample

MACHINE = {"cores": 2, "processor": "Some CPU", "kernel": "6.1"}


def run(commit: str, ours: float):
    versions = {"guildnet": "1.0", "nginx": "1.22"}
    samples = [
        Sample("small", proxy, turn, cost, 100, 0.9)
        for proxy, cost in (("guildnet", ours), ("nginx", 10.0))
        for turn in range(gates.TURNS)
    ]
    verdicts = gates.judged(samples, versions)
    text = report.markdown(verdicts, samples, {"small": ("1 KB", "CPU µs/request")}, versions, {})
    about = {"kind": "quick", "at": "2026-01-02T03:04:05Z", "commit": commit, "turns": 5, "round_seconds": 0.7}
    return report.document(verdicts, samples, versions, {}, about | {"machine": MACHINE}, text)


def test_the_newest_run_is_the_first_section():
    page = "# Benchmarks\n\nHow.\n"
    for commit, ours in (("aaa", 20.0), ("bbb", 10.0)):
        page = history.with_section(page, history.section(run(commit, ours)))
    assert re.findall(r"^#+ .*$", page, re.MULTILINE) == [
        "# Benchmarks", "## 2026-01-02, commit bbb", "## 2026-01-02, commit aaa",
    ]  # fmt: skip
    assert history.newest(page).startswith("## 2026-01-02, commit bbb\n")
    assert "commit aaa" not in history.newest(page)


def test_the_readme_shows_the_gates_of_the_newest_run_alone():
    page = history.with_section("# Benchmarks\n", history.section(run("bbb", 16.0)))
    readme = history.with_table(f"# x\n{history.BEGIN}\nold\n{history.END}\nrest\n", page)
    assert "| 1 KB, header block seen before | nginx | 0.62 | ≥ 0.5 | met |" in readme
    assert "old" not in readme
    assert "CPU µs/request" not in readme
    assert readme.endswith("\nrest\n")
    assert history.with_table(readme, page) == readme


def test_a_readme_without_the_place_is_refused():
    with pytest.raises(ValueError, match="no place"):
        history.with_table("# x\n", history.section(run("a", 10)))


def test_the_table_of_the_readme_is_that_of_the_newest_run():
    readme = history.README.read_text()
    assert history.with_table(readme, history.PAGE.read_text()) == readme, "run python -m proofs.bench.history"


def test_the_sections_name_commit_and_day_and_come_in_order():
    titles = re.findall(r"^## (.*)$", history.PAGE.read_text(), re.MULTILINE)
    assert titles
    assert [title for title in titles if not re.fullmatch(r"\d{4}-\d\d-\d\d, commit [0-9a-f]{7,}", title)] == []
    assert [title[:10] for title in titles] == sorted((title[:10] for title in titles), reverse=True)
