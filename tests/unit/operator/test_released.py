"""An upgrade of the operator restarts no running workspace: what a released version rendered is rendered for ever.

`--update-golden` writes the files of versions that the changelog calls unreleased, and never those of others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from unit.operator.released import CASES, ROOT, record, rendered, versions

FILES = sorted(ROOT.glob("*/*.yaml"))
CHANGED = """
The pod template of {file} is not what version {version} made of the same Workspace, so upgrading from {version} would
restart every workspace like it and end what its people have running in it.
If that is not meant: undo it, or make the new thing depend on something only new Workspaces say.
If it has to be: keep the old rendering for Workspaces that exist, say so in CHANGELOG.md under "Upgrading", and replace
the file in a commit of its own that gives the reason."""
OPEN = """
The pod template of {file} has changed. Version {version} is not released, so that is allowed: look at the change, then
run `pytest tests/unit/operator/test_released.py --update-golden`."""


@pytest.fixture(scope="module", autouse=True)
def _written(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--update-golden"):
        return
    for version in (version for version, released in versions().items() if not released):
        for name in CASES:
            (ROOT / version).mkdir(parents=True, exist_ok=True)
            (ROOT / version / f"{name}.yaml").write_text(record(name))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_pod_template_of_a_version_is_rendered_identically(file: Path):
    said = yaml.safe_load(file.read_text())
    version = file.parent.name
    advice = (CHANGED if versions()[version] else OPEN).format(file=file.name, version=version)
    now = yaml.safe_dump(rendered(said["workspace"], said["policy"]), width=120)
    assert now == yaml.safe_dump(said["template"], width=120), advice


def test_every_version_of_the_changelog_has_its_templates():
    without = [version for version in versions() if not list((ROOT / version).glob("*.yaml"))]
    assert not without, f"run this file with --update-golden before {', '.join(without)} is released"


def test_the_newest_version_has_a_template_for_every_case():
    newest = next(iter(versions()))
    assert {file.stem for file in (ROOT / newest).glob("*.yaml")} >= set(CASES)
