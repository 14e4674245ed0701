"""docs/api.md is made from the application and its document; `pytest tests/unit/docs --update-golden` writes it."""

from __future__ import annotations

from pathlib import Path

from unit.docs.api_page import EXAMPLES, page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"


async def test_the_page_of_the_api_is_current(update_golden: bool, tmp_path: Path):
    made = await page(tmp_path)
    if update_golden:
        PAGE.write_text(made)
    assert PAGE.read_text() == made, "run: pytest tests/unit/docs --update-golden"


def test_every_kind_of_change_has_an_example():
    assert {"GET", "POST", "PATCH", "DELETE"} == {example.method for example in EXAMPLES}
