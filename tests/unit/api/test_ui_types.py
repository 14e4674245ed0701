"""The UI's types of the wire are made from the OpenAPI document: `pytest … --update-golden` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = Path(__file__).with_name("openapi.json")
TYPES = ROOT / "ui" / "src" / "api" / "schema.ts"
HEAD = """// Made from the API's OpenAPI document by tests/unit/api/test_ui_types.py; change the schemas, not this file.
// An absent fact is an absent key; null is only in changes, where it takes away.
"""


def typescript(schema: dict[str, Any]) -> str:
    """The type of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        kinds = dict.fromkeys(typescript(one) for one in schema["anyOf"])
        return " | ".join(kinds)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        inner = typescript(schema["items"])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {typescript(values) if isinstance(values, dict) else 'unknown'}>"
    return {"null": "null", "string": "string", "boolean": "boolean", "integer": "number", "number": "number"}.get(
        str(kind), "unknown"
    )


def declaration(name: str, schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        empty = schema.get("type") == "object"
        return f"\nexport type {name} = {'Record<string, never>' if empty else typescript(schema)};\n"
    required = set(schema.get("required", ()))
    fields = [
        f"  {field}{'' if field in required else '?'}: {typescript(kind)};\n"
        for field, kind in schema.get("properties", {}).items()
    ]
    return f"\nexport interface {name} {{\n{''.join(fields)}}}\n"


def source() -> str:
    schemas = json.loads(DOCUMENT.read_text())["components"]["schemas"]
    return HEAD + "".join(declaration(name, schema) for name, schema in schemas.items())


RULES = ROOT / "ui" / "src" / "api" / "rules.ts"
LIMITS = ("minLength", "maxLength", "minimum", "maximum", "maxItems", "maxProperties", "pattern", "x-reason")
RULES_HEAD = """\
// Made from the API's OpenAPI document by tests/unit/api/test_ui_types.py; change the schemas, not this file.

/** What the schema asks of one place of a launch. `reason` is what the API says of a text that misses `pattern`. */
export interface Rule {
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  maxProperties?: number;
  pattern?: string;
  reason?: string;
}

/** By place in a launch: `[]` is each entry of a list, `{}` each value of a map. */
"""


def rules(name: str = "JobSpec") -> dict[str, dict[str, Any]]:
    """The limits of a schema and of what is in it, by place."""
    schemas = json.loads(DOCUMENT.read_text())["components"]["schemas"]
    found: dict[str, dict[str, Any]] = {}

    def walk(place: str, schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            return walk(place, schemas[str(schema["$ref"]).rpartition("/")[2]])
        for one in schema.get("anyOf", ()):
            walk(place, one)
        limits = {key.removeprefix("x-"): schema[key] for key in LIMITS if key in schema}
        if limits and place:
            found[place] = {**found.get(place, {}), **limits}
        if schema.get("type") == "array":
            walk(f"{place}[]", schema["items"])
        for field, inner in schema.get("properties", {}).items():
            walk(f"{place}.{field}".lstrip("."), inner)
        if isinstance(values := schema.get("additionalProperties"), dict):
            walk(f"{place}{{}}", values)
        return None

    walk("", schemas[name])
    return found


def rules_source() -> str:
    return f"{RULES_HEAD}export const RULES: Readonly<Record<string, Rule>> = {json.dumps(rules(), indent=2)};\n"


def test_the_rules_of_the_ui_are_those_of_the_document(update_golden: bool):
    if update_golden:
        RULES.write_text(rules_source())
    assert RULES.read_text() == rules_source(), "run: pytest tests/unit/api/test_ui_types.py --update-golden"


def test_the_types_of_the_ui_are_those_of_the_document(update_golden: bool):
    if update_golden:
        TYPES.write_text(source())
    assert TYPES.read_text() == source(), "run: pytest tests/unit/api/test_ui_types.py --update-golden"


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "integer"}, "number"),
        ({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}, "string | null"),
        ({"const": "a", "type": "string"}, '"a"'),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Detail"}}, "Detail[]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]'),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "Record<string, boolean>"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({}, "unknown"),
    ],
)
def test_a_schema_becomes_a_type(schema: dict[str, Any], type_: str):
    assert typescript(schema) == type_
