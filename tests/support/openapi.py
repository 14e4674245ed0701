"""Answers of the api against its own document: status, media type, headers, every field of the body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

from guildnet_api import routes
from guildnet_api.openapi.document import document

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """What a document promises. Objects are taken to have no other fields than those it names."""

    document: Json
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    def complaint(self, method: str, path: str, answer: httpx2.Response) -> str:
        """What is wrong with an answer; empty when nothing is. `path` is without the query, encoded."""
        operations = self._operations(path)
        if operations is None:
            return "" if not path.startswith(("/api/", "/sse/")) else self._is_error(answer, 404)
        operation = operations.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            missing = "" if "allow" in answer.headers else "405 without Allow"
            return missing or self._is_error(answer, 405)
        responses = {key: self._resolved(value) for key, value in operation["responses"].items()}
        told = responses.get(str(answer.status_code))
        if told is None:
            return f"status {answer.status_code} is not in the document, which has {', '.join(responses)}"
        return self._headers(told, answer) or ("" if method == "HEAD" else self._content(told, answer))

    def event_complaint(self, path: str, name: str, data: Any) -> str:
        """What is wrong with an event of a stream; `message` is the name of those without one."""
        answer = self.document["paths"][path]["get"]["responses"]["200"]
        events = answer["content"]["text/event-stream"]["x-events"]
        if name not in events:
            return f"event {name} is not in the document"
        return self._invalid(events[name], data)

    def _operations(self, path: str) -> Json | None:
        exact = self.document["paths"].get(path)
        if exact is not None:
            return dict(exact)
        return next((by for template, by in self.document["paths"].items() if _pattern(template).fullmatch(path)), None)

    def _is_error(self, answer: httpx2.Response, status: int) -> str:
        # The engine in front of every path refuses some requests before it looks at the path.
        if answer.status_code != status and answer.status_code not in (400, 401, 403, 408, 413, 415, 421, 431, 503):
            return f"status {answer.status_code} instead of {status}"
        if not answer.content:
            return ""
        return self._invalid({"$ref": "#/components/schemas/Error"}, answer.json())

    def _headers(self, told: Json, answer: httpx2.Response) -> str:
        lost = {"X-Request-Id", "Retry-After"} & set(told.get("headers", ())) - {_title(k) for k in answer.headers}
        return f"without {', '.join(sorted(lost))}" if lost else ""

    def _content(self, told: Json, answer: httpx2.Response) -> str:
        kinds = told.get("content", {})
        if not kinds:
            return "a body where none is promised" if answer.content else ""
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind not in kinds:
            return f"{kind or 'no media type'} is not in the document, which has {', '.join(kinds)}"
        return self._invalid(kinds[kind]["schema"], answer.json()) if kind == "application/json" else ""

    def _resolved(self, value: Json) -> Json:
        return self.document["components"]["responses"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value

    def _invalid(self, schema: Json, value: Any) -> str:
        key = json.dumps(schema, sort_keys=True)
        validator = self._validators.get(key)
        if validator is None:
            closed = {name: _closed(one) for name, one in self.document["components"]["schemas"].items()}
            validator = Draft202012Validator({**schema, "components": {"schemas": closed}})
            self._validators[key] = validator
        error = next(iter(validator.iter_errors(value)), None)
        return f"{error.json_path}: {error.message[:300]}" if error else ""


def _closed(schema: Json) -> Json:
    return (
        {"additionalProperties": False, **schema}
        if "properties" in schema or schema.get("type") == "object"
        else schema
    )


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))


@cache
def contract() -> Contract:
    """The document of this checkout."""
    return Contract(document(routes.ROWS, "test"))


def require(method: str, target: str, answer: httpx2.Response) -> httpx2.Response:
    """The answer, when it is as the document has it."""
    complaint = contract().complaint(method, target.partition("?")[0], answer)
    assert not complaint, f"{method} {target[:200]} → {answer.status_code}: {complaint}\n{answer.text[:1000]}"
    return answer
