"""docs/benchmarks.md: a section for each recorded run, the newest first; and README's table, made from the newest.

    python -m proofs.bench.history RUN.json     records a run that was made before

A section names commit, day and kind of machine, and no machine.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from proofs import ROOT
from proofs.bench.report import HEAD, table

PAGE: Final = ROOT / "docs" / "benchmarks.md"
README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- from docs/benchmarks.md by `make bench RECORD=1` -->"
END: Final = "<!-- end -->"
_SHOWN: Final = ("what", "against", "median", "gate", "reached")
_BLOCK: Final = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)


def section(document: Mapping[str, Any]) -> str:
    """Of the JSON of a run."""
    machine = document["machine"]
    where = f"{machine['cores']} cores of {machine['processor']}, Linux {machine['kernel']}"
    how = f"{document['kind']} form, {document['turns']} turns of rounds of {document['round_seconds']:g} s"
    return f"## {document['at'][:10]}, commit {document['commit']}\n\n{where}; {how}.\n\n{document['markdown']}"


def with_section(page: str, new: str) -> str:
    """The page with the section in front of those that are there."""
    head, mark, rest = page.partition("\n## ")
    return f"{head.rstrip()}\n\n{new}{mark}{rest}"


def newest(page: str) -> str:
    """The newest section. Raises ValueError where there is none."""
    _, mark, rest = page.partition("\n## ")
    if not mark:
        raise ValueError("the page has no section")
    return "## " + rest.partition("\n## ")[0]


def readme_table(page: str) -> str:
    """What README shows of the newest section."""
    lines = newest(page).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    start = cells.index(list(HEAD))
    rows = []
    for row in cells[start + 2 :]:
        if len(row) != len(HEAD) or row[0] == "cost":
            break
        rows.append([row[HEAD.index(name)] for name in _SHOWN])
    title = lines[0].removeprefix("## ")
    return "\n".join((f"Measured {title}; [how, and all figures](docs/benchmarks.md).", "", *table(_SHOWN, rows)))


def with_table(readme: str, page: str) -> str:
    """README with the table of the newest section. Raises ValueError where README has no place for it."""
    if len(_BLOCK.findall(readme)) != 1:
        raise ValueError("README has no place for the table of benchmarks")
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{readme_table(page)}\n{END}", readme)


def record(document: Mapping[str, Any]) -> None:
    page = with_section(PAGE.read_text(), section(document))
    readme = with_table(README.read_text(), page)
    PAGE.write_text(page)
    README.write_text(readme)


if __name__ == "__main__":
    record(json.loads(Path(sys.argv[1]).read_text()))
