"""docs/proxy.md shows the code's rules, refusals and limits: `pytest tests/unit/docs --update-golden` writes them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.settings import Settings
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


def test_every_limit_says_what_it_bounds_in_which_unit_and_why():
    texts = proxy_page.limit_texts()
    assert set(texts) == {field.name for field in dataclasses.fields(Limits)}
    for name, text in texts.items():
        what, _, why = text.partition(". ")
        assert why, name
        if name.endswith(("_seconds", "_bytes")):
            assert name.rpartition("_")[2] in what, name


def test_the_first_byte_has_one_default():
    assert Settings.model_fields["first_byte_seconds"].default == Limits().first_byte_seconds


def test_no_refusal_has_a_rule_outside_of_the_list():
    assert proxy_page.unknown_rules() == set()


def test_every_rule_of_access_is_in_the_list():
    assert proxy_page.access_rules() <= proxy_page.RULES
