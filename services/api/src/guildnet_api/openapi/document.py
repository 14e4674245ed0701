"""OpenAPI 3.1 document, made from the table of routes; models become schemas through pydantic.

It is the document of the control origin, as clients see it through the proxy. A test validates every answer of the
suites against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from guildnet_api.openapi import refusals, schemas
from guildnet_api.openapi.events import STREAM_EVENTS
from guildnet_api.routes import EVENT_STREAM, Row

_REF: Final = "#/components/schemas/{model}"
_NULL_MEANS: Final = frozenset({"JobPatch", "JobSpec", "ResourcesPatch"})
"""Models in which null says something: no such thing. In all others what is not there is left out."""
HEADERS: Final[Mapping[str, Any]] = {
    "ETag": {"description": "Names this state of the answer.", "schema": {"type": "string"}},
    "Location": {"description": "Where to go on.", "schema": {"type": "string"}},
    "Set-Cookie": {"description": "The session cookie.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before asking again.", "schema": {"type": "integer"}},
    "X-Request-Id": {"description": "Id of the request in logs and audit lines.", "schema": {"type": "string"}},
    "X-Guildnet-Stale": {
        "description": "Seconds since the cluster confirmed this answer; absent while it does.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "X-Guildnet-Incomplete": {
        "description": "What of the log was not searched or is left out; absent where nothing is.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'What is left of the caller\'s requests, as `"requests";r=LEFT;t=SECONDS` until all are there.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'How many requests the caller has, as `"requests";q=AT_ONCE;w=SECONDS`.',
        "schema": {"type": "string"},
    },
}
SECURITY: Final[Mapping[str, Any]] = {
    "bearer": {
        "type": "http", "scheme": "bearer",
        "description": "A token of the cluster for this install: `kubectl create token NAME --audience guildnet`.",
    },
    "session": {
        "type": "apiKey", "in": "cookie", "name": "__Host-guildnet-INSTALL",
        "description": "The session that `/login` gives a browser; INSTALL is the name of the install.",
    },
}  # fmt: skip


def document(rows: Sequence[Row], version: str) -> dict[str, Any]:
    """The whole document; `version` is that of the install."""
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "GuildNet", "version": version,
            "description": "Workspaces on a shared Kubernetes cluster. On the tailnet, the connection says who asks.",
        },
        "paths": paths,
        "security": [{"bearer": []}, {"session": []}, {}],
        "components": {
            "schemas": _schemas(rows), "headers": HEADERS, "securitySchemes": SECURITY,
            "responses": {
                _name(status): _coded(status, codes) for status, codes in refusals.EVERYWHERE.items()
            },
        },
    }  # fmt: skip


def _schemas(rows: Sequence[Row]) -> dict[str, Any]:
    models: set[type[BaseModel]] = {schemas.Error, schemas.StreamHint}
    models.update(model for events in STREAM_EVENTS.values() for model in events.values())
    for row in rows:
        named = (row.response, row.body, *row.failure.values())
        models.update(model for model in named if model is not None and not isinstance(model, str))
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    found: dict[str, Any] = definitions["$defs"]
    return {name: schema if name in _NULL_MEANS else without_null(schema) for name, schema in found.items()}


def without_null(schema: Any) -> Any:
    """The schema of what leaves a key out instead of sending null."""
    if isinstance(schema, list):
        return [without_null(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: without_null(item) for key, item in schema.items() if not (key == "default" and item is None)}
    choices = [item for item in kept.get("anyOf", ()) if item != {"type": "null"}]
    if len(choices) == 1 and len(kept["anyOf"]) > 1:
        del kept["anyOf"]
        return {**choices[0], **kept}
    return kept


def operation(row: Row) -> dict[str, Any]:
    """The Operation Object of a row."""
    own = refusals.joined(refusals.BODY if row.body else {}, row.refusals)
    told = refusals.joined(refusals.EVERYWHERE, own)
    special = own.keys() | row.failure.keys() | row.pages
    built: dict[str, Any] = {
        "operationId": row.operation,
        "summary": row.summary,
        "parameters": [parameter.as_json() for parameter in row.parameters],
        "responses": {
            str(row.status): _success(row),
            **({"304": _empty("Nothing has changed.", row.returned)} if row.unchanged else {}),
            **({"204": _empty(row.nothing, ())} if row.nothing else {}),
            **{
                str(status): _refusal(row, status, codes) if status in special else _usual(status)
                for status, codes in told.items()
            },
        },
    }
    if row.body:
        built["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(row.body)}}}
    if row.open:
        built["security"] = []
    return {key: value for key, value in built.items() if value != [] or key == "security"}


def _success(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if row.response == "":
        return _empty(row.summary, row.returned)
    if isinstance(row.response, str):
        content[row.response] = {"schema": {"type": "string"}}
    else:
        schema = _ref(row.response)
        content["application/json"] = {"schema": {"type": "array", "items": schema} if row.many else schema}
    if row.also:
        content[row.also] = {"schema": {"type": "string"} if row.also == "text/plain" else _ref(schemas.StreamHint)}
    if row.response == EVENT_STREAM:
        events = STREAM_EVENTS[row.operation]
        content[EVENT_STREAM]["x-events"] = {name: _ref(model) for name, model in events.items()}
    limited = ("RateLimit", "RateLimit-Policy") if row.handler and not row.open else ()
    return {**_empty(row.summary, (*row.returned, *limited)), "content": content}


def _empty(description: str, headers: Sequence[str]) -> dict[str, Any]:
    named = ("X-Request-Id", *headers)
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in named},
    }


def _refusal(row: Row, status: int, codes: Mapping[str, str]) -> dict[str, Any]:
    built, other = _coded(status, codes), row.failure.get(status)
    if other:
        content = built["content"]["application/json"]
        content["schema"] = {"anyOf": [content["schema"], _ref(other)]}
    if status in row.pages:
        built["content"]["text/html"] = {"schema": {"type": "string"}}
    return built


def _usual(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _coded(status: int, codes: Mapping[str, str]) -> dict[str, Any]:
    """An `Error` whose `code` is one of these and no other."""
    text = " ".join(f"`{code}`: {meaning}" for code, meaning in codes.items())
    schema = {"allOf": [_ref(schemas.Error), {"properties": {"code": {"enum": sorted(codes)}}}]}
    headers = ("Retry-After",) if status in (429, 503) else ()
    return {**_empty(text, headers), "content": {"application/json": {"schema": schema}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
