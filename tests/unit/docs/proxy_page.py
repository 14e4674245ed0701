"""The tables of docs/proxy.md, read off the proxy's source."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import guildnet_proxy
from guildnet import access
from guildnet_proxy.http.limits import Limits
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
                elif item.arg == "rule" and isinstance(item.value, ast.Name) and item.value.id.isupper():
                    found.add(str(getattr(access, item.value.id)))
    return found


_PRODUCT_LIMITS = (
    ("A bearer token, bytes", "auth.bearer.MAX_TOKEN_BYTES"),
    ("What a TokenReview or whois said, seconds", "auth.ttl_cache.TTL_SECONDS"),
    ("The same where nobody can be asked, seconds more", "auth.ttl_cache.STALE_SECONDS"),
    ("A token that is not valid, seconds", "auth.ttl_cache.DENIED_SECONDS"),
    ("Between two questions about the caller of what is open, seconds", "revocation.RECHECK_SECONDS"),
    ("A session, seconds", "auth.sessions.SESSION_SECONDS"),
    ("A ticket, seconds", "auth.sessions.TICKET_SECONDS"),
    ("A target's name to be resolved, seconds", "frontdoor.egress.RESOLVE_TIMEOUT_SECONDS"),
)


def _limits() -> str:
    rows = []
    for name in ("streams_per_workspace", "requests_per_identity", "upgrades_per_identity"):
        field = Settings.model_fields[name]
        rows.append((str(field.description).rstrip("."), f"{field.default:,}", f"setting `{name.upper()}`", ""))
    defaults = Limits()
    for name, text in limit_texts().items():
        what, _, why = " ".join(text.split()).partition(". ")
        rows.append((what.rstrip("."), _number(getattr(defaults, name)), f"`Limits.{name}`", why))
    for what, place in _PRODUCT_LIMITS:
        module, _, name = place.rpartition(".")
        value = getattr(importlib.import_module(f"guildnet_proxy.{module}"), name)
        rows.append((what, _number(value), f"`{place}`", ""))
    return _table(("limit", "value", "where", "why"), rows)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def limit_texts() -> Mapping[str, str]:
    """What the source says below each field of Limits; a field without a text has none here."""
    (found,) = (node for node in ast.parse(inspect.getsource(Limits)).body if isinstance(node, ast.ClassDef))
    return {
        field.target.id: text.value.value
        for field, text in zip(found.body, found.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
