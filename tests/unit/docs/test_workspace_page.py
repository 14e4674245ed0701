"""docs/workspace.md is made from schema and operator: `pytest tests/unit/docs --update-golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

import yaml

from guildnet_operator.status.reasons import Reason
from unit.docs.workspace_page import CRD, EXAMPLES, REASONS, leaves, page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "workspace.md"


def test_the_page_of_the_workspace_is_current(update_golden: bool):
    if update_golden:
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run: pytest tests/unit/docs --update-golden"


def test_every_field_has_an_example_and_every_reason_a_meaning():
    crd = yaml.safe_load(CRD.read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert [path for path, _, _ in leaves(spec)] == list(EXAMPLES)
    assert set(REASONS) == set(Reason)
