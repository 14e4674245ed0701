"""docs/where.md: every file it names is there, and it stays a page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "where.md"


def test_every_place_that_the_page_names_is_there():
    places = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert len(places) >= 20
    assert [place for place in places if not (PAGE.parent / place).exists()] == []


def test_the_index_fits_on_a_page():
    assert 20 <= PAGE.read_text().count("\n| ") <= 32
