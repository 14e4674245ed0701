"""The chart's CustomResourceDefinitions are the ones in `crds/`, with the keep policy and a switch around them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from guildnet import image
from guildnet_chart import __main__ as program
from guildnet_chart import crds
from unit.chart.rendered import CHART, ROOT, Render

SOURCES = sorted((ROOT / "crds").glob("*.yaml"))
MINIMAL = """\
# A comment.
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
"""


def test_the_chart_holds_what_the_sources_say():
    assert crds.differences(crds.rendered(ROOT / "crds"), CHART / "templates" / "crds") == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_helm_renders_the_source_with_nothing_but_labels_and_the_keep_policy_added(render: Render, source: Path):
    wanted = yaml.safe_load(source.read_text())
    (found,) = render().of("CustomResourceDefinition", wanted["metadata"]["name"])
    metadata = found["metadata"]
    annotations = wanted["metadata"].get("annotations", {})
    assert metadata["annotations"] == {**annotations, "helm.sh/resource-policy": "keep"}
    assert metadata["labels"].items() >= wanted["metadata"].get("labels", {}).items()
    assert {**found, "metadata": ...} == {**wanted, "metadata": ...}


def test_an_image_is_judged_by_the_expression_of_the_api():
    schema = yaml.safe_load((ROOT / "crds" / "guildnet.io_workspaces.yaml").read_text())["spec"]["versions"][0][
        "schema"
    ]
    rules = schema["openAPIV3Schema"]["properties"]["spec"]["properties"]["image"]["x-kubernetes-validations"]
    assert [rule["rule"] for rule in rules] == [f"self.matches(r'^{image.PATTERN}$')"]


def test_the_definitions_can_be_left_out(render: Render):
    assert render({"crds": {"enabled": False}}).of("CustomResourceDefinition") == []


def test_braces_in_a_source_are_no_template(tmp_path: Path):
    text = crds.template("x.yaml", MINIMAL + '  description: "{{ .Values }}"\n')
    assert '{{ "{{" }} .Values }}' in text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (MINIMAL + "---\n" + MINIMAL, "one YAML document"),
        (MINIMAL.replace("CustomResourceDefinition", "Namespace"), "kind is 'Namespace'"),
        (MINIMAL.replace("  name: t", "  labels: {a: b}\n  name: t"), "further labels"),
        (MINIMAL.replace("  name: t", "  annotations: {a: b}\n  name: t"), "block of its own"),
        (MINIMAL.replace("metadata:\n  name: things.example.com", "metadata: {name: x}"), "a line of its own"),
    ],
    ids=["two documents", "another kind", "labels", "annotations in flow style", "metadata in flow style"],
)
def test_a_source_in_another_form_is_refused(source: str, said: str):
    with pytest.raises(crds.UnexpectedSourceError, match=said):
        crds.template("x.yaml", source)


def test_annotations_of_the_source_stay(tmp_path: Path):
    text = crds.template("x.yaml", MINIMAL.replace("  name: t", "  annotations:\n    a: b\n  name: t"))
    assert "  annotations:\n    helm.sh/resource-policy: keep\n    a: b\n" in text


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "example.com_things.yaml").write_text(MINIMAL)
    return tmp_path


def test_check_tells_of_a_difference_and_changes_nothing(checkout: Path, capsys: pytest.CaptureFixture[str]):
    assert program.main(["crds", "--check", "--root", str(checkout)]) == 1
    assert "things.yaml: missing" in capsys.readouterr().err
    assert not (checkout / "charts").exists()


def test_writing_makes_check_pass_and_removes_what_has_no_source(checkout: Path, capsys: pytest.CaptureFixture[str]):
    directory = checkout / "charts" / "guildnet" / "templates" / "crds"
    directory.mkdir(parents=True)
    (directory / "gone.yaml").write_text("")
    assert program.main(["crds", "--root", str(checkout)]) == 0
    assert [file.name for file in directory.iterdir()] == ["things.yaml"]
    assert program.main(["crds", "--check", "--root", str(checkout)]) == 0
    (directory / "things.yaml").write_text("edited")
    assert program.main(["crds", "--check", "--root", str(checkout)]) == 1
    assert "differs from its source" in capsys.readouterr().err


def test_no_source_at_all_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert program.main(["crds", "--root", str(tmp_path)]) == 1
    assert "no *.yaml there" in capsys.readouterr().err
