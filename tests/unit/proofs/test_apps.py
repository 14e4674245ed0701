"""What the proof of apps takes for a figure that is met, and what its entries and images are."""

from __future__ import annotations

from guildnet.workspace import well_known
from proofs import ROOT, apps
from proofs.apps import Cell
from proofs.opened.entries import changed
from proofs.opened.recipes import MADE
from proofs.opened.uses import APPS

WORKS, FAILS = Cell("ttyd", "tailnet", 1.0), Cell("ttyd", "tailnet", 1.0, "no terminal")


def test_apps_are_met_when_every_app_works_by_every_mode():
    assert apps.judged([WORKS] * 4, 2, 2).met
    assert not apps.judged([*[WORKS] * 3, FAILS], 2, 2).met
    assert not apps.judged([WORKS] * 3, 2, 2).met


def test_each_app_is_known_by_its_image_and_begins_where_that_says():
    for app in APPS:
        known = well_known.of(f"guildnet/{MADE[app.name].name if app.name in MADE else app.name}")
        assert (known.name if known else "form") == app.name
        assert app.preserve == (known is not None and known.path_mode == "Preserve")


def test_every_file_of_an_image_is_there():
    for recipe in MADE.values():
        assert all((ROOT / path).exists() for path in (recipe.dockerfile, *recipe.inputs)), recipe.name


def test_what_a_mode_changes_leaves_the_rest_of_the_values_as_it_was():
    before = {"entries": {"local": {"origin": "http://guildnet.localhost:8080"}}, "presets": [1]}
    after = changed(before, {"entries": {"pathTrusted": True, "local": {"mode": "path"}}, "proxy": {"transport": "x"}})
    assert after == {
        "entries": {"local": {"origin": "http://guildnet.localhost:8080", "mode": "path"}, "pathTrusted": True},
        "presets": [1],
        "proxy": {"transport": "x"},
    }
    assert before == {"entries": {"local": {"origin": "http://guildnet.localhost:8080"}}, "presets": [1]}
