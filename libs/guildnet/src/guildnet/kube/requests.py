"""The small change of a request: queries, bodies and what an unusable answer is called. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson

from guildnet.errors import ClusterAnswer, Silent, Unreachable
from guildnet.kube.resources import Resource

Json = dict[str, Any]
Query = Mapping[str, str | int | bool | None]
U = TypeVar("U", bound=Unreachable)


def typed(resource: Resource, body: Mapping[str, Any]) -> Json:
    """The body with its kind said, which the API server insists on."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}


def writing(field_manager: str | None) -> dict[str, str | None]:
    """The query of every write. Strict: a misspelt field is an error that names it, never silently dropped."""
    return {"fieldManager": field_manager, "fieldValidation": "Strict"}


def encoded(query: Query | None) -> str:
    """`?a=b&c=true`, without what is None; empty for nothing."""
    given = {key: _text(value) for key, value in (query or {}).items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def decoded(data: bytes) -> Json:
    """A JSON object; raises Unreachable for an answer that is cut short or no JSON at all."""
    try:
        answer = orjson.loads(data)
    except ValueError as error:
        raise _without_status(Unreachable(f"the API server's answer is not JSON: {error}")) from error
    return answer if isinstance(answer, dict) else {"items": answer}


def silent(path: str, seconds: float | None) -> Silent:
    """What a stream is called that is open and brings nothing."""
    return _without_status(Silent(f"the Kubernetes API has sent nothing for {seconds or 0:.0f} s (GET {path})"))


def unreachable(method: str, path: str, error: BaseException) -> Unreachable:
    """What a broken connection or a passed deadline is called."""
    what = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
    return _without_status(Unreachable(f"the Kubernetes API cannot be reached ({method} {path}): {what}"))


def _without_status(error: U) -> U:
    error.cluster = ClusterAnswer(0)
    return error
