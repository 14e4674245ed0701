"""The import contracts, each with a planted violation; import cycles, long files and functions, flat folders."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grimp

from proofs import ROOT, Figure
from support.contracts import PLANTS, SOURCES, Checkout, contracts

MAX_MODULES_IN_A_FOLDER: Final = 12
PACKAGES: Final = (
    "guildnet", "guildnet_api", "guildnet_proxy", "guildnet_operator", "guildnet_local", "guildnet_chart",
    "guildnet_cli",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest file and the longest function, with their lines."""

    file: tuple[int, str]
    function: tuple[int, str]


def prove() -> Figure:
    """Met when every contract is kept and catches its violation, and there is no import cycle and no flat folder."""
    with tempfile.TemporaryDirectory() as directory:
        checkout = Checkout(Path(directory))
        kept = checkout.kept()
        caught = [id_ for id_ in PLANTS if checkout.catches(id_)]
    for id_, name in contracts().items():
        print(f"  {'caught' if id_ in caught else 'MISSED'}  {id_}: {name}")
    modules, circles = cycles()
    flat = flat_folders()
    for found in (*circles, *flat):
        print(f"  {found}")
    longest = longest_of(list(files()))
    met = kept and set(caught) == set(contracts()) and not circles and not flat
    return Figure(
        f"contracts {len(contracts())} {'kept' if kept else 'BROKEN'}, planted violations caught {len(caught)} of "
        f"{len(PLANTS)}; modules {modules}, import cycles {len(circles)}, longest file {longest.file[0]} lines "
        f"({longest.file[1]}), longest function {longest.function[0]} lines ({longest.function[1]}), "
        f"folders of more than {MAX_MODULES_IN_A_FOLDER} modules {len(flat)}",
        met,
    )


def files() -> Iterator[Path]:
    """Every module of the sources."""
    for source in SOURCES:
        yield from sorted((ROOT / source).rglob("*.py"))


def flat_folders() -> list[str]:
    """Folders with more modules than fit in a glance, `__init__` and `__main__` not counted."""
    counted: dict[Path, int] = {}
    for file in files():
        if not file.stem.startswith("__"):
            counted[file.parent] = counted.get(file.parent, 0) + 1
    return [
        f"{folder.relative_to(ROOT)}: {number} modules"
        for folder, number in counted.items()
        if number > MAX_MODULES_IN_A_FOLDER
    ]


def longest_of(modules: list[Path]) -> Longest:
    """The longest file and function among these."""
    lines: list[tuple[int, str]] = []
    functions: list[tuple[int, str]] = []
    for file in modules:
        text = file.read_text()
        name = file.relative_to(ROOT).as_posix()
        lines.append((text.count("\n"), name))
        functions.extend(
            ((node.end_lineno or 0) - node.lineno + 1, f"{name}:{node.name}")
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        )
    return Longest(max(lines), max(functions))


def cycles() -> tuple[int, list[str]]:
    """How many modules there are, and the groups of them that import each other, those for type checking included."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    return len(imports), [" ↔ ".join(sorted(group)) for group in groups(imports)]


def groups(imports: Mapping[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one module: each reaches every other of its group."""
    reached = {module: _reachable(module, imports) for module in imports}
    found: list[set[str]] = []
    for module, reach in reached.items():
        if module in reach and not any(module in group for group in found):
            found.append({other for other in reach if module in reached[other]})
    return found


def _reachable(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(imports.get(start, ()))
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(imports.get(module, ()))
    return seen
