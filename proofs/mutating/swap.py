"""The functions of a module that is loaded, with the code of a changed version of it."""

from __future__ import annotations

import ast
import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

Key = tuple[str, int, int]
"""Qualified name, first line, and which of several alike: two lambdas on one line."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The live functions of one source file, wherever somebody holds them."""

    file: str
    functions: tuple[tuple[FunctionType, Key], ...]

    @classmethod
    def of(cls, file: str, source: str) -> Loaded:
        """Those that are alive now; a function that is made later is made by one of them."""
        original = {_place(code): key for key, code in _codes(compile(source, file, "exec", dont_inherit=True))}
        alive = [
            item for item in gc.get_objects() if isinstance(item, FunctionType) and item.__code__.co_filename == file
        ]
        found = ((function, original.get(_place(function.__code__))) for function in alive)
        return cls(file, tuple((function, key) for function, key in found if key is not None))

    def swap(self, tree: ast.Module) -> None:
        """Give every function its code of the changed tree. Raises ValueError where it closes over other names."""
        changed = dict(_codes(compile(tree, self.file, "exec", dont_inherit=True)))
        for function, key in self.functions:
            function.__code__ = changed[key]


def _place(code: CodeType) -> tuple[str, int, bytes, tuple[str, ...]]:
    return code.co_qualname, code.co_firstlineno, code.co_code, code.co_names


def _codes(module: CodeType) -> Iterator[tuple[Key, CodeType]]:
    seen: Counter[tuple[str, int]] = Counter()
    waiting = [module]
    while waiting:
        code = waiting.pop()
        place = code.co_qualname, code.co_firstlineno
        yield (*place, seen[place]), code
        seen[place] += 1
        waiting.extend(const for const in reversed(code.co_consts) if isinstance(const, CodeType))
