"""The tables of docs/proxy.md, read off the proxy's source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import guildnet_proxy
from guildnet import access
from guildnet_proxy.rules import Rule
from guildnet_proxy.settings import Settings

SOURCE = Path(inspect.getfile(guildnet_proxy)).parent
RULES = {rule.value for rule in Rule}


def tables() -> Mapping[str, str]:
    return {"rules": _rules(), "refusals": _refusals(), "limits": _limits()}


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def _rules() -> str:
    return _table(("rule", "question", "meaning"), [(f"`{rule.value}`", rule.stage, rule.meaning) for rule in Rule])


def _refusals() -> str:
    found: dict[tuple[str, str], set[str]] = {}
    for status, code, rule in refusals():
        found.setdefault((status, code), set()).add(rule)
    rows = [
        (status, f"`{code}`", ", ".join(f"`{rule}`" for rule in sorted(rules) if rule) or "the one that decided")
        for (status, code), rules in sorted(found.items())
    ]
    return _table(("status", "code", "rules"), rows)


def refusals() -> Iterator[tuple[str, str, str]]:
    """Status, code and rule of every refusal that is written out in the source."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                yield from _of_call(name, node)


def _of_call(name: str, node: ast.Call) -> Iterator[tuple[str, str, str]]:
    arguments = [item.value if isinstance(item, ast.Constant) else item for item in node.args]
    rule = next((_rule(item.value) for item in node.keywords if item.arg == "rule"), None)
    if name == "bad_request" and len(arguments) == 2:
        yield "400", "bad_request", str(arguments[1])
    elif name == "_denied" and len(arguments) == 2:
        yield "403", "cross_origin", _rule(node.args[1])
    elif name == "bad_target" and len(arguments) == 2:
        yield "400", "bad_target", _rule(node.args[1])
    elif name in {"Refusal", "_refusal"} and len(arguments) >= 2 and isinstance(arguments[0], int):
        code = arguments[1]
        codes = [code] if isinstance(code, str) else _choices(node.args[1])
        for text in codes:
            # A rule that is handed in is found where it is named.
            yield str(arguments[0]), text, text if rule is None else rule


def _rule(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Rule":
        return Rule[node.attr].value
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _choices(node: ast.expr) -> list[str]:
    """Both texts of `"a" if … else "b"`."""
    if isinstance(node, ast.IfExp):
        return [str(part.value) for part in (node.body, node.orelse) if isinstance(part, ast.Constant)]
    return []


def unknown_rules() -> set[str]:
    return {rule for _, _, rule in refusals() if rule and rule not in RULES}


def access_rules() -> set[str]:
    """The rules that `guildnet.access` decides about access by."""
    decide = ast.parse(inspect.getsource(access))
    found = set()
    for node in ast.walk(decide):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Decision":
            for item in node.keywords:
                if item.arg == "rule" and isinstance(item.value, ast.Constant):
                    found.add(str(item.value.value))
    return found


def _limits() -> str:
    fields = Settings.model_fields
    rows = [
        (what, str(fields[name].default), f"setting `{name.upper()}`")
        for what, name in (
            ("first byte of an answer, seconds", "first_byte_seconds"),
            ("simultaneous requests of one workspace", "streams_per_workspace"),
        )
    ]
    return _table(("limit", "value", "where"), rows)
