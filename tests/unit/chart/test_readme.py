"""The chart's README says what values.yaml says; what Chart.yaml tells Artifact Hub is so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from guildnet_chart import __main__ as program
from guildnet_chart.readme import rendered
from guildnet_chart.values import common, explained, read
from unit.chart.rendered import CHART, ROOT

CHART_YAML = """\
name: things
description: Things
version: 1.2.3
kubeVersion: ">=1.30.0-0"
"""
VALUES = """\
# The components have these keys in common:
#   image               where it comes from
#   replicas, resources
#                       as in a
#                       Deployment

# How many of one | or the other.
many: 3
# A thing.
thing:
  # Its colour.
  colour: red
  size: {}
api:
  # More than one needs Redis.
  replicas: 1
  image: {tag: a}
  resources: {}
proxy:
  image: {tag: b}
  resources: {}
"""


def test_the_readme_is_that_of_the_values():
    assert program.main(["readme", "--check"]) == 0


def test_each_value_has_a_row_or_belongs_to_all_components():
    text = (CHART / "values.yaml").read_text()
    readme = (CHART / "README.md").read_text()
    shared = common(text)
    for value in read(text):
        top, _, rest = value.path.partition(".")
        of_all = top in ("api", "proxy", "operator", "valkey") and rest.partition(".")[0] in shared
        assert f"| `{value.path}` |" in readme or of_all, value.path


def test_a_value_has_its_default_and_what_is_said_over_it():
    text = rendered(CHART_YAML, VALUES)
    assert "# things\n\nThings.\n\nVersion 1.2.3, for Kubernetes >=1.30.0." in text
    assert "| `many` | `3` | How many of one \\| or the other. |" in text
    assert "### `thing`\n\nA thing.\n\n" in text
    assert '| `thing.colour` | `"red"` | Its colour. |\n| `thing.size` | `{}` |  |' in text


def test_what_all_components_have_stands_once_and_what_differs_beside_each():
    text = rendered(CHART_YAML, VALUES)
    assert explained(VALUES) == {("image",): "where it comes from", ("replicas", "resources"): "as in a Deployment"}
    assert "| `replicas`, `resources` | as in a Deployment |" in text
    assert "| `api.replicas` | `1` | More than one needs Redis. |" in text
    assert '| `proxy.image` | `{"tag": "b"}` |' in text
    assert "`proxy.resources`" not in text


def test_check_tells_of_a_difference_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    chart = tmp_path / "charts" / "guildnet"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text(CHART_YAML)
    (chart / "values.yaml").write_text(VALUES)
    assert program.main(["readme", "--check", "--root", str(tmp_path)]) == 1
    assert "README.md: differs" in capsys.readouterr().err
    assert not (chart / "README.md").exists()
    assert program.main(["readme", "--root", str(tmp_path)]) == 0
    assert program.main(["readme", "--check", "--root", str(tmp_path)]) == 0


def test_artifact_hub_is_told_the_kinds_that_there_are():
    told = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]
    sources = [yaml.safe_load(file.read_text()) for file in sorted((ROOT / "crds").glob("*.yaml"))]
    wanted = [
        {
            "kind": one["spec"]["names"]["kind"],
            "version": one["spec"]["versions"][0]["name"],
            "name": one["metadata"]["name"],
            "displayName": one["spec"]["names"]["kind"],
            "description": one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"],
        }
        for one in sources
    ]
    assert sorted(yaml.safe_load(told["artifacthub.io/crds"]), key=lambda one: one["name"]) == wanted
    (example,) = yaml.safe_load(told["artifacthub.io/crdsExamples"])
    assert example == yaml.safe_load((ROOT / "examples" / "jupyterlab.yaml").read_text())
