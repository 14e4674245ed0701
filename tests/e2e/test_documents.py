"""Every command and every example of README and docs, run on the cluster as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest
import yaml

from support.documents import OF_ANOTHER_CLUSTER, Command, applied, commands, manifests, pages, renamed, type_in
from support.local import NAMESPACE, ROOT, Local

PAGES = {str(page.relative_to(ROOT)): page for page in pages() if commands(page)}
MANIFESTS = {f"{page.name} {number}": text for page in pages() for number, text in enumerate(manifests(page))}
LAUNCHED = re.compile(r'"id": ?"(?P<id>code-server-[a-z0-9]{5})"')


def _taken(local: Local) -> set[str]:
    """Names of Workspaces that are there, or of which a claim was kept."""
    listed = local.kubectl("-n", NAMESPACE, "get", "ws,pvc", "-o", "jsonpath={.items[*].metadata.name}").split()
    return {name.removesuffix("-storage") for name in listed}


@pytest.fixture
def names(local: Local, tmp_path: Path, page: Path) -> Iterator[dict[str, str]]:
    """Other names for the Workspaces of a page that are somebody's already; what the page makes is gone afterwards."""
    wanted = applied(commands(page))
    others = {name: f"e2e-{name}-{token_hex(3)}" for name in wanted & _taken(local)}
    for name, other in others.items():
        example = yaml.safe_load((ROOT / "examples" / f"{name}.yaml").read_text())
        example["metadata"]["name"] = other
        (tmp_path / f"{other}.yaml").write_text(yaml.safe_dump(example))
    yield others
    for name in wanted:
        made = others.get(name, name)
        local.delete_workspace(made)
        # Nobody had a claim of this name before, so what `retain` kept is the page's.
        local.kubectl("-n", NAMESPACE, "delete", "pvc", f"{made}-storage", "--ignore-not-found", "--timeout=60s")


@pytest.fixture(scope="module", autouse=True)
def images(local: Local) -> None:
    """What the examples need beside `up`'s: README does the same first, but a page is tried in any order."""
    done = type_in("make image NAME=code-server", timeout=900)
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_commands_of_a_page_do_what_it_says(local: Local, page: Path, names: dict[str, str], tmp_path: Path):
    launched: set[str] = set()
    try:
        for command in (one for one in commands(page) if not one.of_the_ring):
            said = _run(command, names, tmp_path)
            launched |= {match["id"] for match in LAUNCHED.finditer(said) if "/api/jobs" in command.text}
    finally:
        for name in launched:
            local.delete_workspace(name)


def _run(command: Command, names: dict[str, str], directory: Path) -> str:
    """The output of one command in a shell of its own. Raises AssertionError with all of it when it fails."""
    text = renamed(command.tried(), names, directory)
    done = type_in(text)
    assert done.returncode == 0, f"$ {command.text}\n{done.stdout}"
    return done.stdout


@pytest.mark.parametrize("name", sorted(page.stem for page in pages() if page.suffix == ".yaml"))
def test_the_api_server_takes_every_example(local: Local, name: str):
    local.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(ROOT / "examples" / f"{name}.yaml"))


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS)
def test_the_api_server_takes_every_manifest_of_the_documentation(local: Local, text: str):
    local.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)


def test_every_example_that_can_run_says_how():
    """And so it is run by the test of its own page."""
    for page in pages():
        if page.suffix == ".yaml" and page.stem not in OF_ANOTHER_CLUSTER:
            assert page.stem in applied(commands(page)), page.name
