"""docs/dependencies.md says why each direct dependency is here: no declaration without a row, no row without one."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guildnet_local.images.base import VARIANTS

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "dependencies.md"
NAME = re.compile(r"^[A-Za-z0-9._-]+")
SERVICES = ("libs/guildnet", "services/api", "services/proxy", "services/operator")


def rows(title: str) -> list[str]:
    """The lines of the table in the section of that title, without its head."""
    section = PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


def named(title: str) -> list[str]:
    return [name for line in rows(title) for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def _names(listed: list[str]) -> Iterator[str]:
    for item in listed:
        if match := NAME.match(item):
            yield match[0].lower()


def project(*packages: str) -> set[str]:
    found = [tomllib.loads((ROOT / one / "pyproject.toml").read_text())["project"] for one in packages]
    extras = [listed for one in found for listed in one.get("optional-dependencies", {}).values()]
    return {name for listed in (*(one["dependencies"] for one in found), *extras) for name in _names(listed)} - {
        "guildnet"
    }


def command_line() -> set[str]:
    document = tomllib.loads((ROOT / "cli/pyproject.toml").read_text())["project"]
    extras = [name for listed in document["optional-dependencies"].values() for name in listed]
    return set(_names([*document["dependencies"], *extras]))


def groups() -> set[str]:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"].values()
    return {name for group in listed for name in _names([item for item in group if isinstance(item, str)])}


def workspace_images() -> set[str]:
    lines = [line for path in ROOT.glob("images/*/requirements.in") for line in path.read_text().splitlines()]
    return set(_names([line for line in lines if not line.startswith("#")])) - project("tools")


def npm() -> set[str]:
    documents = [
        json.loads((ROOT / path).read_text())
        for path in ("ui/package.json", "images/code-server/package.json", "proofs/bench/peers/chp/package.json")
    ]
    kinds = ("dependencies", "devDependencies")
    return {name for document in documents for kind in kinds for name in document.get(kind, ())}


def go() -> set[str]:
    """The modules that programs are built of: those required directly, and those of the `tool` lines."""
    found: set[str] = set()
    for path in ROOT.glob("tools/go/*/go.mod"):
        text = re.sub(r"^replace .*$", "", path.read_text(), flags=re.MULTILINE)
        required = re.findall(r"^(?:require )?\s*([\w./-]+\.[\w./-]+) v[\w.+-]+(.*)$", text, re.MULTILINE)
        found |= {module for module, rest in required if "indirect" not in rest}
        block = re.search(r"^tool \((.*?)^\)", text, re.MULTILINE | re.DOTALL)
        programs = re.findall(r"^tool ([^(\s]+)$", text, re.MULTILINE) + (block[1].split() if block else [])
        for program in programs:
            found.add(max((module for module, _ in required if f"{program}/".startswith(f"{module}/")), key=len))
    return found


def debian() -> set[str]:
    lists = (ROOT / "tools/src/guildnet_local/machine/packages.txt", ROOT / "tests/packages.txt")
    files = (*lists, *ROOT.glob("proofs/debian/*.txt"))
    listed = {line for path in files for line in path.read_text().split("\n") if line and not line.startswith("#")}
    listed |= {package for variant in VARIANTS.values() for package in variant.packages}
    for path in (*ROOT.glob("images/*/Dockerfile"), ROOT / "services/Dockerfile"):
        for packages in re.findall(r"apt-get (?:-\S+ )*install ([^&;\n]*)", path.read_text()):
            listed |= {word for word in packages.split() if not word.startswith("-")}
    return listed


DECLARED: dict[str, Callable[[], set[str]]] = {
    "Python, in the services": lambda: project(*SERVICES),
    "Python, in the tools": lambda: project("tools"),
    "Python, in the command line": command_line,
    "Python, for building, linting and testing": groups,
    "Python, in the workspace images": workspace_images,
    "npm": npm,
    "Go": go,
    "Debian packages": debian,
}


@pytest.mark.parametrize("title", DECLARED)
def test_each_direct_dependency_has_one_row_and_each_row_a_declaration(title: str):
    assert DECLARED[title](), "nothing was found: the way it is declared has changed"
    assert sorted(named(title)) == sorted(DECLARED[title]())


def test_every_row_says_why():
    tables = [*DECLARED, "What was not taken"]
    assert [line for title in tables for line in rows(title) if not line.rstrip(" |").rpartition("|")[2].strip()] == []


def test_what_was_not_taken_is_not_declared():
    refused = {"pydantic-settings", "fastapi", "granian", "cachetools", "itsdangerous", "typer", "rich"}
    assert refused & (project(*SERVICES, "tools", "cli") | groups()) == set()
