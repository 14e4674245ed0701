"""From the wire form of a Workspace to its values.

Tolerant of what the API server may leave out (status, defaults), of null for absent, and of fields it does not know;
refuses, naming the field, what is missing or has the wrong type. Ranges and rules over fields are the schema's.

An object as the API server stores it is read in one call. What that refuses is read again with the tolerance it needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from guildnet.errors import FieldError, Invalid
from guildnet.workspace.model import Given, Phase, Workspace, WorkspaceSpec, WorkspaceStatus, wire_name

_PHASES: Final = {phase.value for phase in Phase}
_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_WRONG: Final = re.compile(r"Expected `(\w+)")
_WORDS: Final = {
    "str": "text", "int": "a whole number", "bool": "true or false", "array": "a list", "object": "an object",
}  # fmt: skip


class _Metadata(Struct, rename=wire_name):
    name: Given
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    creation_timestamp: datetime | None = None
    deletion_timestamp: str | None = None


class _Object(Struct):
    metadata: _Metadata
    spec: WorkspaceSpec
    status: WorkspaceStatus = WorkspaceStatus()


def parse(obj: Mapping[str, Any]) -> Workspace:
    """Read a Workspace as the API server sends it. Raises Invalid with the path of the first unreadable field."""
    try:
        read = msgspec.convert(obj, _Object)
    except msgspec.ValidationError:
        read = _tolerantly(obj)
    meta = read.metadata
    return Workspace(
        meta.name,
        meta.namespace,
        meta.uid,
        read.spec,
        read.status,
        meta.generation,
        meta.resource_version,
        meta.labels,
        meta.annotations,
        meta.creation_timestamp,
        meta.deletion_timestamp is not None,
    )


def _tolerantly(obj: Mapping[str, Any]) -> _Object:
    """Without what is null; with quantities that are numbers as text, and a phase of a later version as not known."""
    given = {"metadata": {}, "spec": {}, **_without_nulls(obj)}
    for part, key in (("resources", "requests"), ("resources", "limits"), ("", "storage")):
        holder = given["spec"] if isinstance(given["spec"], dict) else {}
        values = (holder.get(part) if part else holder) or {}
        if isinstance(values, dict) and isinstance(values.get(key), dict):
            values[key] = {name: _quantity(value) for name, value in values[key].items()}
    status = given.get("status")
    if isinstance(status, dict) and status.get("phase") not in _PHASES:
        status.pop("phase", None)
    try:
        return msgspec.convert(given, _Object)
    except msgspec.ValidationError as error:
        raise _refusal(given, str(error)) from None


def _quantity(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _without_nulls(value: Any) -> Any:
    """A copy without the null values of objects."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _refusal(obj: Mapping[str, Any], said: str) -> Invalid:
    """What msgspec says in our words, at the field's path."""
    found = _PLACE.fullmatch(said)
    what, path = (found["what"], found["path"] or "") if found else (said, "")
    if missing := _MISSING.match(what):
        path, reason = f"{path}.{missing[1]}".lstrip("."), "must be given"
    elif "length >= 1" in what:
        reason = "must be given"
    else:
        wrong = _WRONG.match(what)
        reason = f"must be {_WORDS.get(wrong[1], wrong[1])}" if wrong else what
    field = _named(obj, path)
    return Invalid(f"{field or 'object'} {reason}", details=[FieldError(field or "object", reason)])


def _named(obj: Any, path: str) -> str:
    """The path with the keys that msgspec leaves out of it (`labels[...]`): the first one whose value is no text."""
    before, marker, after = path.partition("[...]")
    if not marker:
        return path
    for part in before.split("."):
        obj = obj.get(part) or {}
    key = next((name for name, value in obj.items() if not isinstance(value, str)), "")
    return f"{before}.{key}{after}"
