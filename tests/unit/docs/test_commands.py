"""What README, docs and examples tell a person to type: each in a form that a test tries, none with a known trap.

They are run against the local cluster by the e2e ring.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.documents import (
    LAST,
    Block,
    Command,
    Place,
    applied,
    blocks,
    commands,
    commands_under,
    in_order,
    manifests,
    pages,
    renamed,
)
from support.local import ROOT

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
INLINE = re.compile(r"`(?P<text>(?:kubectl|make|python) [^`]+)`")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_command_has_a_way_to_be_tried(page: Path):
    for block in blocks(page):
        for one in block.commands:
            assert one.tried()


def test_the_pages_have_commands_at_all():
    found = {name: len(commands(page)) for name, page in PAGES.items()}
    assert found["README.md"] >= 12
    assert found["examples/persistent-home.yaml"] >= 7
    assert [page.name for page in PAGES.values() if manifests(page)] == ["workspace.md"]
    for page in PAGES.values():
        if page.suffix == ".md":
            assert page.read_text().count("```console") == len(re.findall(r"```console\n\$ ", page.read_text())), page


@pytest.mark.parametrize(
    ("command", "tried"),
    [
        (Command("make url"), "make url"),
        (
            Command("helm install g charts/guildnet -n g", asked=True),
            "helm template g charts/guildnet -n g > /dev/null",
        ),
        (Command("kubectl apply -f x.yaml", asked=True), "kubectl apply -f x.yaml --dry-run=server"),
        (
            Command("helm install guildnet charts/guildnet -n guildnet -f build/images.yaml --set a=b", asked=True),
            "helm template guildnet charts/guildnet -n guildnet --set a=b > /dev/null",
        ),
    ],
)
def test_a_command_is_tried_as_it_stands_or_only_asked(command: Command, tried: str):
    assert command.tried() == tried


def _of(tmp_path: Path, text: str) -> list[Block]:
    page = tmp_path / "page.md"
    page.write_text(text)
    return blocks(page)


def test_a_mark_says_where_a_block_runs_and_whether_it_is_asked_only(tmp_path: Path):
    found = _of(
        tmp_path,
        "```console\n$ one\n$ two \\\n    more\n```\n\n<!-- run: fresh cluster -->\n```sh\nthree\nfour\n```\n"
        "<!-- run: own cluster -->\n```console\n$ helm install five\n```\n<!-- run: nowhere, it needs a ship -->\n"
        "```sh\nsix\n```\n```text\n$ seven\n```\n",
    )
    assert found == [
        Block(2, Place.ANY, (Command("one"), Command("two \\\n    more"))),
        Block(9, Place.FRESH, (Command("three\nfour"),)),
        Block(14, Place.OWN, (Command("helm install five", asked=True),)),
        Block(18, Place.NOWHERE, (Command("six"),), "it needs a ship"),
    ]


def test_the_commands_under_a_heading_are_those_until_the_next(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("".join(f"## {name}\n\n```console\n$ {name}\n```\n\n" for name in ("one", "two", "three")))
    assert [one.text for one in commands_under(page, "two")] == ["two"]
    assert [one.text for one in commands_under(page, "three")] == ["three"]


@pytest.mark.parametrize("mark", ["fresh", "nowhere", "any cluster, for a reason"])
def test_a_mark_that_says_nothing_is_noticed(tmp_path: Path, mark: str):
    with pytest.raises(ValueError, match=r"reason|is not a valid Place"):
        _of(tmp_path, f"<!-- run: {mark} -->\n```sh\none\n```\n")


def test_every_mark_belongs_to_a_block():
    """One that stands a line too far away would say nothing."""
    for name, page in PAGES.items():
        marks = page.read_text().count("<!-- run: ")
        assert marks == len(re.findall(r"<!-- run: [^\n]+ -->\n```(?:console|sh)\n", page.read_text())), name


def test_the_page_that_takes_the_install_away_is_the_last_and_the_readme_the_first():
    assert [in_order()[0].name, in_order()[-1].name] == ["README.md", LAST]
    assert sorted(in_order()) == sorted(pages())


def test_what_the_ring_is_made_of_is_not_run_by_it():
    found = [one.text.split()[1] for page in PAGES.values() for one in commands(page) if one.of_the_ring]
    assert found == ["up", "test"]
    assert set(found) <= _verbs()


def test_a_command_that_nobody_knows_how_to_ask_is_noticed():
    with pytest.raises(ValueError, match="rm -rf"):
        Command("rm -rf /", asked=True).tried()


def test_a_name_that_is_somebodys_is_exchanged_wherever_it_names_the_workspace():
    names, there = {"lab": "e2e-lab"}, Path("/tmp/x")
    assert renamed("kubectl apply -f examples/lab.yaml", names, there) == "kubectl apply -f /tmp/x/e2e-lab.yaml"
    assert renamed("kubectl get secret lab-password ws/lab label", names, there) == (
        "kubectl get secret e2e-lab-password ws/e2e-lab label"
    )


def test_what_a_page_applies_is_an_example():
    for page in PAGES.values():
        for name in applied(commands(page)):
            assert (ROOT / "examples" / f"{name}.yaml").exists()


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_command_in_a_sentence_works_when_it_is_copied(page: Path):
    """kubectl about Workspaces says where they are, make has that verb, Python is the environment's."""
    verbs = _verbs()
    for match in INLINE.finditer(page.read_text()):
        text = match["text"]
        if text.startswith("make "):
            assert text.split()[1] in verbs or text.startswith(("make show-", "make bench")), text
        elif re.search(r"\b(ws|workspaces?)\b", text):
            assert " -n " in text, text
        assert not text.startswith("python "), text


def test_every_command_about_workspaces_says_in_which_namespace():
    for name, page in PAGES.items():
        for one in (one for block in blocks(page) for one in block.commands):
            if "kubectl" in one.text and re.search(r"\bws\b|\bpvc/|\bsecret\b", one.text):
                assert " -n " in one.text, f"{name}: {one.text}"
            assert "…" not in one.text, f"{name}: {one.text}"


def _verbs() -> set[str]:
    listed = subprocess.run(
        ["make", "--print-data-base", "--question"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {line.split(":")[0] for line in listed.stdout.splitlines() if re.match(r"[a-z][a-z0-9-]*:", line)}
