"""The changes: every small wrong version of a module, found in its syntax tree.

Swapped comparisons and arithmetic, `and` for `or` and back, one operand left out, a condition turned round, another
constant, None returned, a statement left out. Docstrings, annotations, decorators and `Literal` types are left alone:
they do not decide anything.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_NEGATIONS: Final = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
"""Comparisons whose swap is their negation."""
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_UNDECIDING: Final = frozenset({"annotation", "returns", "decorator_list", "type_comment", "bases"})
"""Fields of the syntax tree that are not walked."""
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module, by what it is rather than by where it happens to be."""

    module: str
    place: str
    """Qualified name of the function or class, "" for the module."""
    operator: str
    line: str
    """The text of the line it begins on."""
    before: str
    after: str
    nth: int
    """Which of several changes that are alike in all of the above."""
    number: int
    first: int
    last: int
    """The lines of the changed expression, of a simple statement all of them."""
    at_import: bool

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """The same as long as the line and its place are."""
        return self.module, self.place, self.operator, self.line, self.before, self.nth

    def __str__(self) -> str:
        return f"{self.operator}: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class _Around:
    place: str = ""
    statement: ast.stmt | None = None
    at_import: bool = True

    def inside(self, owner: ast.AST, field: str) -> _Around:
        """What surrounds a field of this node."""
        here = owner if isinstance(owner, ast.stmt) else self.statement
        if not isinstance(owner, (*_FUNCTIONS, ast.ClassDef)):
            return _Around(self.place, here, self.at_import)
        place = f"{self.place}.{owner.name}" if self.place else owner.name
        return _Around(place, here, self.at_import and not (isinstance(owner, _FUNCTIONS) and field == "body"))


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the tree that holds a node."""

    owner: ast.AST
    field: str
    index: int | None
    node: ast.AST
    around: _Around

    def put(self, new: ast.AST) -> None:
        if self.index is None:
            setattr(self.owner, self.field, new)
        else:
            getattr(self.owner, self.field)[self.index] = new


def mutants(module: str, source: str) -> list[Mutant]:
    """Every change of this source."""
    lines = source.splitlines()
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for number, (slot, operator, new) in enumerate(_changes(ast.parse(source))):
        statement = slot.node if isinstance(slot.node, ast.stmt) else slot.around.statement
        node = slot.node if hasattr(slot.node, "lineno") else statement
        span = node if statement is None or hasattr(statement, "body") or hasattr(statement, "cases") else statement
        first, last = span.lineno, span.end_lineno or span.lineno  # type: ignore[union-attr]  # it has its place in the source
        line = lines[node.lineno - 1].strip()  # type: ignore[union-attr]  # as above
        same = (slot.around.place, operator, line, ast.unparse(slot.node))
        after = "–" if isinstance(new, ast.Pass) else ast.unparse(new)
        place, before = slot.around.place, ast.unparse(slot.node)
        found.append(
            Mutant(module, place, operator, line, before, after, seen[same], number, first, last, slot.around.at_import)
        )
        seen[same] += 1
    return found


def mutated(source: str, number: int) -> ast.Module:
    """The tree with the change of this number made."""
    tree = ast.parse(source)
    slot, _, new = list(_changes(tree))[number]
    slot.put(new)
    return ast.fix_missing_locations(tree)


def _changes(tree: ast.Module) -> Iterator[tuple[_Slot, str, ast.AST]]:
    for slot in list(_slots(tree, _Around())):
        for operator, new in _of_node(slot):
            yield slot, operator, ast.copy_location(new, slot.node)


def _slots(owner: ast.AST, around: _Around) -> Iterator[_Slot]:
    for field, value in ast.iter_fields(owner):
        if field in _UNDECIDING:
            continue
        inside = around.inside(owner, field)
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(node, ast.AST) and not _left_alone(node):
                yield _Slot(owner, field, index, node, inside)
                yield from _slots(node, inside)


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case _:
            return False


def _of_node(slot: _Slot) -> Iterator[tuple[str, ast.AST]]:
    node = slot.node
    if slot.field in {"test", "ifs", "guard"} and not _swapped_anyway(node):
        yield "condition turned round", ast.UnaryOp(ast.Not(), node)  # type: ignore[arg-type]  # a condition is an expression
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    else:
        yield from _of_expression(node)


def _swapped_anyway(node: ast.AST) -> bool:
    match node:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[one]):
            return isinstance(one, _NEGATIONS)
        case _:
            return False


def _of_statement(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Delete():
            yield "left out", ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "left out", ast.Pass()
        case ast.Continue():
            yield "loop", ast.Break()
        case ast.Break():
            yield "loop", ast.Continue()
        case ast.Return(value=ast.Constant(value=None | False | True)) | ast.Return(value=None):
            pass  # another truth value is another constant; None for False changes nothing
        case ast.Return():
            yield "returns", ast.Return(ast.Constant(None))
        case _:
            pass


def _of_expression(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(left, ops, comparators):
            for at, one in enumerate(ops):
                swapped = [*ops[:at], _COMPARISONS[type(one)](), *ops[at + 1 :]]
                yield "comparison", ast.Compare(left, swapped, comparators)
        case ast.BoolOp(op, values):
            yield "and, or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for at in range(len(values)):
                rest = [*values[:at], *values[at + 1 :]]
                yield "operand left out", rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield "sign", operand
        case ast.BinOp(left, ast.Add() | ast.BitOr(), _):
            yield "operand left out", left
        case ast.BinOp(ast.Constant(value=str() | bytes()), ast.Mod(), _):
            pass  # a template, not arithmetic
        case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
            yield "arithmetic", ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.Constant(value):
            yield from (("constant", ast.Constant(other)) for other in _other(value))


def _other(value: object) -> Iterator[bool | int | float | str | bytes]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str():
            yield "" if value else "mutant"
        case bytes():
            yield b"" if value else b"mutant"
