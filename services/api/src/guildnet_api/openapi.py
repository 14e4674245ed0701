"""OpenAPI 3.1 document, made from the table of routes; models become schemas through pydantic."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from guildnet_api import schemas
from guildnet_api.routes import Row

_REF: Final = "#/components/schemas/{model}"
_OF_BODIES: Final = {
    413: "too_large: the body is over 1 MiB.",
    415: "unsupported_media_type: the body is not sent as application/json.",
}


def document(rows: Sequence[Row], version: str) -> dict[str, Any]:
    """The whole document; `version` is that of the install."""
    responses = [row.response for row in rows if not isinstance(row.response, str)]
    models: set[type[BaseModel]] = {schemas.Error, *responses, *(row.body for row in rows if row.body)}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = operation(row)
    return {
        "openapi": "3.1.0",
        "info": {"title": "GuildNet", "version": version, "description": "Workspaces on a shared Kubernetes cluster."},
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def operation(row: Row) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", row.path)
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
        *(_parameter("query", name, text) for name, text in row.query.items()),
        *(_parameter("header", name, text) for name, text in row.headers.items()),
    ]
    errors = {**row.errors, **(_OF_BODIES if row.body else {})}
    built: dict[str, Any] = {
        "operationId": f"{row.handler.__name__}{_tail(row)}",
        "summary": row.summary,
        "parameters": parameters,
        "responses": {
            str(row.status): {"description": row.summary, "content": _success(row)},
            **{str(status): _refusal(row, status, text) for status, text in sorted(errors.items())},
        },
    }
    if row.body:
        built["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(row.body)}}}
    return {key: value for key, value in built.items() if value != []}


def _tail(row: Row) -> str:
    """Operations need distinct ids; stop-all has four paths for one handler."""
    return row.path.replace("/", "_").replace("-", "_") if row.handler.__name__ == "stop_all" else ""


def _parameter(place: str, name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": place, "description": text, "schema": {"type": "string"}}


def _success(row: Row) -> Mapping[str, Any]:
    if isinstance(row.response, str):
        return {row.response: {"schema": {"type": "string"}}}
    schema = _ref(row.response)
    return {"application/json": {"schema": {"type": "array", "items": schema} if row.many else schema}}


def _refusal(row: Row, status: int, text: str) -> dict[str, Any]:
    if status == 304:
        return {"description": text}
    same = status == 503 and row.path == "/readyz" and not isinstance(row.response, str)
    schema = _ref(row.response if same and not isinstance(row.response, str) else schemas.Error)
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
