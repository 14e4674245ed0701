"""Which modules of a site-packages directory a program can import, read off the sources. Pure.

The answer errs on the side of "reached": an import counts wherever it stands (but under TYPE_CHECKING), and so does a
text that is the dotted name of a module, as lazy packages and plug-ins name theirs, or the beginning of one, to which
a backend's name is added (`a.backends._`). Compiled modules reach whatever module is named in their bytes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

_COMPILED: Final = re.compile(r"\.(?:cpython-\d+[^.]*|abi3)\.so$|\.so$")
_CACHED: Final = re.compile(r"\.cpython-\d+(?:\.opt-\d)?\.pyc$")
_NAME_IN_BYTES: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]+")
_NAME_IN_TEXT: Final = re.compile(r"(\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::\w+)?")
_BEGINNING_IN_TEXT: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\._?")
NEVER_READ: Final = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".cc", ".cpp", ".typed", ".md"})
"""Suffixes of files that only compilers, type checkers and people read."""


@dataclass(slots=True)
class Module:
    """A module: the bytes of all its files, and the content to find its imports in."""

    size: int = 0
    package: bool = False
    source: bytes = b""
    compiled: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unreached:
    """Files that no import reaches: a module with all below it, or a package's files of one kind."""

    name: str
    size: int


def module_of(path: str) -> tuple[str, bool] | None:
    """The dotted name of the module a file belongs to and whether that is a package; None for other files."""
    pure = PurePosixPath(path)
    name = pure.name
    folders = [part for part in pure.parts[:-1] if part != "__pycache__"]
    for ending in (_CACHED, _COMPILED, re.compile(r"\.py$")):
        stem = ending.sub("", name)
        if stem != name:
            break
    else:
        return None
    if not all(part.isidentifier() for part in [*folders, stem]):
        return None
    return (".".join(folders), True) if stem == "__init__" else (".".join([*folders, stem]), False)


def modules(files: Mapping[str, bytes]) -> dict[str, Module]:
    """The modules of a directory's files (path → content)."""
    found: dict[str, Module] = {}
    for path, content in files.items():
        known = module_of(path)
        if known is None or not known[0]:
            continue
        module = found.setdefault(known[0], Module())
        module.size += len(content)
        module.package |= known[1]
        if path.endswith(".py"):
            module.source = content
        elif path.endswith(".so"):
            module.compiled.append(content)
    return found


def reached(found: Mapping[str, Module], entries: Iterable[str]) -> set[str]:
    """The modules that importing the `entries` can lead to."""
    waiting, seen = list(entries), set[str]()
    while waiting:
        name = waiting.pop()
        if name.endswith("*"):
            waiting += (other for other in found if other.startswith(name[:-1]))
        if name in seen or name not in found:
            continue
        seen.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        module = found[name]
        waiting += named_in_source(module.source, name if module.package else name.rpartition(".")[0])
        for content in module.compiled:
            waiting += (match.decode().rstrip(".") for match in set(_NAME_IN_BYTES.findall(content)))
    return seen


def named_in_source(source: bytes, package: str) -> Iterator[str]:
    """Every dotted name in a source that may be a module's; `package` is what relative names start from."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _for_types(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            if match := _NAME_IN_TEXT.fullmatch(node.value):
                yield _absolute(match[1], package)
            if _BEGINNING_IN_TEXT.fullmatch(node.value):
                yield f"{node.value}*"
        waiting += ast.iter_child_nodes(node)


def _for_types(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _absolute(name: str, package: str) -> str:
    level = len(name) - len(name.lstrip("."))
    if level == 0:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], name.lstrip(".")]).rstrip(".")


def unreached(files: Mapping[str, bytes], entries: Iterable[str]) -> list[Unreached]:
    """What of a site-packages directory no import reaches, the largest first.

    A package's data counts as reached with it, and so do the metadata of distributions and libraries linked to.
    """
    found = modules(files)
    seen = reached(found, entries)
    kept = {part for name in seen for part in _with_parents(name)}
    sizes: dict[str, int] = {}
    for path, content in files.items():
        if name := _unreached_name(path, kept):
            sizes[name] = sizes.get(name, 0) + len(content)
    return sorted((Unreached(*item) for item in sizes.items()), key=lambda one: (-one.size, one.name))


def _unreached_name(path: str, kept: set[str]) -> str:
    top = PurePosixPath(path).parts[0]
    if top.endswith((".dist-info", ".libs")):
        return ""
    suffix = PurePosixPath(path).suffix
    if suffix in NEVER_READ:
        return f"{top}: *{suffix}"
    known = module_of(path)
    name = known[0] if known else ".".join(PurePosixPath(path).parts[:-1])
    return next((part for part in _with_parents(name) if part not in kept), "") if name else ""


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
