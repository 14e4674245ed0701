"""A link from one page to another leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.local import ROOT

PAGES = [
    ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "charts" / "guildnet" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]  # fmt: skip
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, dashes for blanks, no other signs."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("heading", [("Who somebody is", "who-somebody-is"), ("Is it `right`?", "is-it-right")])
def test_an_anchor_is_made_as_github_does(heading: tuple[str, str]):
    assert anchor(heading[0]) == heading[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    for link in LINK.findall(page.read_text()):
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if heading and target.suffix == ".md":
            assert heading in map(anchor, HEADING.findall(target.read_text())), link
