"""docs/proofs.md has a row for each proof, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import proofs

DOCS = Path(__file__).resolve().parents[3] / "docs"
ROW = re.compile(r"^\| `(?P<word>[a-z-]+)` \|(?P<cells>.*)\|$", re.MULTILINE)
COLUMNS = 4
"""Behind the word: what it proves, met when, needs, takes."""


def rows() -> dict[str, list[str]]:
    page = (DOCS / "proofs.md").read_text()
    return {row["word"]: [cell.strip() for cell in row["cells"].split("|")] for row in ROW.finditer(page)}


def test_every_proof_has_one_row_and_every_row_a_proof():
    assert sorted(row["word"] for row in ROW.finditer((DOCS / "proofs.md").read_text())) == proofs.words()


def test_every_row_is_complete():
    assert {word: cells for word, cells in rows().items() if len(cells) != COLUMNS or not all(cells)} == {}


def test_the_readme_links_to_the_page():
    assert "(docs/proofs.md)" in (DOCS.parent / "README.md").read_text()
