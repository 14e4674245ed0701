"""docs/proxy.md shows the code's rules, refusals and limits: `pytest tests/unit/docs --update-golden` writes them."""

from __future__ import annotations

from pathlib import Path

from unit.docs import proxy_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "proxy.md"


def test_the_page_of_the_front_door_shows_what_the_code_says(update_golden: bool):
    page = PAGE.read_text()
    for name, table in proxy_page.tables().items():
        block = f"<!-- {name} -->\n{table}\n<!-- /{name} -->"
        before, opening, rest = page.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->")
        assert opening
        assert closing, name
        page = before + block + after
    if update_golden:
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "run: pytest tests/unit/docs --update-golden"


def test_no_refusal_has_a_rule_outside_of_the_list():
    assert proxy_page.unknown_rules() == set()


def test_every_rule_of_access_is_in_the_list():
    assert proxy_page.access_rules() <= proxy_page.RULES
