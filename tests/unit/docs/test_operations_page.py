"""What the pages for administrators name is there: reasons, codes of refusals, values of the chart."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from guildnet_chart.values import read
from guildnet_operator.status.reasons import Reason
from support.local import ROOT

PAGES = ("install.md", "operations.md", "access.md", "security.md")
VALUES = (ROOT / "charts" / "guildnet" / "values.yaml").read_text()
CODE = re.compile(r"^\| \d{3} \| `(?P<code>[a-z_]+)` \|", re.MULTILINE)
ROW = re.compile(r"^\| (?P<seen>[^|]+) \|[^|]+\|[^|]+\|$", re.MULTILINE)
WORD = re.compile(r"`(?P<text>[^`\n]+)`")
NOT_OF_A_WORKSPACE = {"CreateContainerConfigError"}
"""The kubelet's word for pods of the install itself."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def symptoms() -> Iterator[str]:
    """What stands in the first column of the tables of trouble."""
    for row in ROW.finditer(page("operations.md").split("## When something does not work")[1]):
        yield from (word["text"] for word in WORD.finditer(row["seen"]))


def test_the_reasons_are_reasons():
    named = {text for text in symptoms() if re.fullmatch(r"[A-Z][A-Za-z]+", text)}
    assert len(named) >= 8
    assert named - {reason.value for reason in Reason} - NOT_OF_A_WORKSPACE == set()


def test_the_codes_are_those_of_the_front_door():
    named = {text for text in symptoms() if re.fullmatch(r"[a-z]+_[a-z_]+", text)}
    assert len(named) >= 8
    assert named - {match["code"] for match in CODE.finditer(page("proxy.md"))} == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_values_are_values_of_the_chart(name: str):
    paths = {value.path for value in read(VALUES)}
    groups = {path[:index] for path in paths for index, sign in enumerate(path) if sign == "."} | paths
    top = set(yaml.safe_load(VALUES))
    found = set()
    for word in WORD.finditer(re.sub(r"^```.*?^```$", "", page(name), flags=re.MULTILINE | re.DOTALL)):
        path = re.split(r"[:=]", word["text"])[0].strip()
        if re.fullmatch(r"[a-z]\w*(\.\w+)+", path) and path.partition(".")[0] in top:
            found.add(path)
    assert found
    assert {
        path for path in found if path not in groups and not any(path.startswith(f"{one}.") for one in paths)
    } == set()
