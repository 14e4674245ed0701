"""One expected file per folder of templates: what a change of the chart changes can be read in a diff.

Rewritten with `pytest tests/unit/chart --update-golden`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from unit.chart.rendered import CHART, MATRIX

GOLDEN = Path(__file__).parent / "golden"
FOLDERS = sorted(folder.name for folder in (CHART / "templates").iterdir() if folder.is_dir() and folder.name != "crds")

# Everything switched on at once, as far as it goes together.
VALUES = {
    **MATRIX["tailnet"],
    **MATRIX["domain"],
    "api": {"replicas": 2},
    "monitoring": {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    "workspaces": {"defaultPassword": {"value": "correct horse"}},
}
RANDOM = re.compile(r"^  (identity|workspace|password|url|valkey\.conf): .+$", flags=re.MULTILINE)


@pytest.fixture(scope="session")
def documents(run_helm: Callable[..., str]) -> dict[str, str]:
    """Folder of templates → the documents rendered from it, in Helm's order."""
    text = run_helm("template", "guildnet", str(CHART), "--namespace", "guildnet", values=VALUES)
    found: dict[str, str] = {}
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        source = re.match(r"# Source: guildnet/templates/([^/]+)/", document)
        if source:
            folder = source.group(1)
            found[folder] = found.get(folder, "") + "---\n" + document.rstrip() + "\n"
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_rendering_is_the_expected_one(documents: dict[str, str], folder: str, update_golden: bool):
    rendered = (
        RANDOM.sub(r"  \1: (random)", documents[folder]) if folder in ("install", "valkey") else documents[folder]
    )
    expected = GOLDEN / f"{folder}.yaml"
    if update_golden:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(rendered)
    assert rendered == expected.read_text()


def test_no_expected_file_is_left_from_a_folder_that_is_gone():
    assert sorted(file.stem for file in GOLDEN.glob("*.yaml")) == FOLDERS


def test_rendered_text_has_no_trailing_blanks(documents: dict[str, str]):
    for folder, text in documents.items():
        assert not re.search(r"[ \t]+$", text, flags=re.MULTILINE), folder
