"""What is imported is declared, and requirements/*.txt are one set of versions that names no place."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("libs/guildnet", "services/api", "services/proxy", "services/operator", "tools", "cli")
SERVICES = ("api", "proxy", "operator")
LOCKS = tuple(
    path
    for pattern in ("requirements/*.txt", "images/*/requirements.txt", "proofs/*/images/*/requirements.txt")
    for path in sorted(ROOT.glob(pattern))
)
OWN = {
    "guildnet", "guildnet_api", "guildnet_chart", "guildnet_cli", "guildnet_local", "guildnet_operator",
    "guildnet_proxy",
}  # fmt: skip
OF_THE_TESTS = {"run", "conftest", "integration", "proofs", "support", "unit"}
PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def pins(lock: Path) -> dict[str, str]:
    return {pin["name"]: pin["version"] for pin in PIN.finditer(lock.read_text())}


def declared(path: str) -> set[str]:
    """What a package, or the groups of the repository (path "."), declare."""
    document = tomllib.loads((ROOT / path / "pyproject.toml").read_text())
    listed = list(document.get("project", {}).get("dependencies", ()))
    listed += [
        item for extra in document.get("project", {}).get("optional-dependencies", {}).values() for item in extra
    ]
    for group in document.get("dependency-groups", {}).values():
        listed += [item for item in group if isinstance(item, str)]
    found = (NAME.match(item) for item in listed)
    return {match[0].lower() for match in found if match}


def imported(folder: Path) -> set[str]:
    """The top-level modules that are neither Python's own nor ours; a program of an image has a list of its own."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        if (path.parent / "requirements.txt").exists():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - OWN - OF_THE_TESTS


def test_the_files_say_no_version_twice():
    """A version in a pyproject.toml would be a second place; ranges say what works, locks what is installed."""
    for path in (*PACKAGES, "."):
        assert "==" not in (ROOT / path / "pyproject.toml").read_text(), path


@pytest.mark.parametrize(
    "lock",
    [ROOT / f"requirements/{name}.txt" for name in (*SERVICES, "build", "native", "cli", "traces")],
    ids=lambda p: p.stem,
)
def test_an_image_gets_the_versions_that_the_tests_run_with(lock: Path):
    tested = pins(ROOT / "requirements/dev.txt")
    found = pins(lock)
    assert found
    found.pop("setuptools", None)  # only calls the compiler, in the proxy's build stage
    assert {name: version for name, version in found.items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_gets_all_that_its_packages_declare(service: str):
    wanted = declared(f"services/{service}") | declared("libs/guildnet")
    got = pins(ROOT / f"requirements/{service}.txt")
    assert wanted - set(got) - set(pins(ROOT / "requirements/traces.txt")) == {"guildnet"}
    assert {name for name in got if name.startswith("opentelemetry")} == set(), "an extra, for it is large"


@pytest.mark.parametrize("service", ["proxy", "operator"])
def test_only_the_api_carries_a_redis_client(service: str):
    assert "redis" not in pins(ROOT / f"requirements/{service}.txt")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_lock_names_no_host_and_no_place_of_the_machine_that_made_it(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    assert [line for line in text.splitlines() if re.search(r"(^|\s|@ )/", line)] == []
    assert re.findall(r"^[a-z].*(?<! \\)$", text, re.MULTILINE) == [], "every requirement has its hashes"


@pytest.mark.parametrize("folder", ["tests", "proofs"])
def test_tests_and_proofs_import_what_is_declared(folder: str):
    """deptry, in `make lint`, holds the packages to it; this the folders that are none."""
    known = set().union(*(declared(path) for path in (*PACKAGES, ".")))
    distributions = importlib.metadata.packages_distributions()
    undeclared = {
        module
        for module in imported(ROOT / folder)
        if not known & {name.lower().replace("_", "-") for name in distributions.get(module, ())}
    }
    assert undeclared == set()
