"""The tables of docs/proxy.md, read off the proxy's source."""

from __future__ import annotations

import ast
import importlib
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


_LIMITS = (
    ("a request's header block, bytes", "http.head.MAX_HEAD_BYTES"),
    ("header fields of a request", "http.head.MAX_FIELDS"),
    ("a request's head, seconds", "http.connection.HEADER_TIMEOUT_SECONDS"),
    ("an idle client connection, seconds", "http.connection.KEEP_ALIVE_TIMEOUT_SECONDS"),
    ("pipelined bytes held behind a request", "http.connection.MAX_PIPELINED_BYTES"),
    ("reading on after a last answer, seconds", "http.connection.LINGER_TIMEOUT_SECONDS"),
    ("a request's body after its grace, bytes a second", "http.exchange.BODY_BYTES_A_SECOND"),
    ("grace before a body's pace counts, seconds", "http.exchange.BODY_GRACE_SECONDS"),
    ("extensions and trailers of a chunked body, bytes", "http.body.MAX_CHUNK_OVERHEAD_BYTES"),
    ("connecting to an upstream, seconds", "http.upstream.CONNECT_TIMEOUT_SECONDS"),
    ("an upstream's header block, bytes", "http.exchange.MAX_RESPONSE_HEAD_BYTES"),
    ("an answer without a byte, seconds", "http.exchange.STREAM_IDLE_TIMEOUT_SECONDS"),
    ("an upgraded connection without a byte, seconds", "http.relay.RELAY_IDLE_TIMEOUT_SECONDS"),
    ("idle connections kept to one address", "http.upstream.MAX_IDLE_PER_PLACE"),
    ("an idle connection to an upstream, seconds", "http.upstream.POOL_IDLE_SECONDS"),
    ("ending requests at shut-down, seconds", "http.server.DRAIN_SECONDS"),
    ("a bearer token, bytes", "auth.authenticate.MAX_TOKEN_BYTES"),
    ("what a TokenReview or whois said, seconds", "auth.ttl_cache.TTL_SECONDS"),
    ("a session, seconds", "auth.sessions.SESSION_SECONDS"),
    ("a ticket, seconds", "auth.sessions.TICKET_SECONDS"),
    ("a target's name to be resolved, seconds", "frontdoor.egress.RESOLVE_TIMEOUT_SECONDS"),
)


def _limits() -> str:
    fields = Settings.model_fields
    rows = [
        (what, str(fields[name].default), f"setting `{name.upper()}`")
        for what, name in (
            ("first byte of an answer, seconds", "first_byte_seconds"),
            ("simultaneous requests of one workspace", "streams_per_workspace"),
        )
    ]
    for what, place in _LIMITS:
        module, _, name = place.rpartition(".")
        value = getattr(importlib.import_module(f"guildnet_proxy.{module}"), name)
        rows.append((what, f"{value:,g}", f"`{place}`"))
    return _table(("limit", "value", "where"), rows)
