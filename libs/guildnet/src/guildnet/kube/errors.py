"""From what the API server answers to the refusals of `guildnet.errors`, with the server's own words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from guildnet.errors import (
    ClusterAnswer,
    Conflict,
    Denied,
    FieldError,
    Gone,
    GuildNetError,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unreachable,
)

# A refused patch is answered with the whole object in the message, values of environment variables included.
_STRICT = re.compile(r"strict decoding error: .*", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r'(unknown|duplicate) field "([^"]+)"')
_KINDS: Mapping[int, type[GuildNetError]] = {
    400: Invalid,
    401: Denied,
    403: Denied,
    404: NotFound,
    405: Invalid,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    415: Invalid,
    422: Invalid,
}
_MAX_TEXT = 300


def from_answer(code: int, body: bytes, retry_after: str | None = None) -> GuildNetError:
    """The refusal for a status code and body; the body is a Kubernetes Status or, before the API is up, plain text."""
    try:
        status = orjson.loads(body)
    except ValueError:
        status = None
    if not isinstance(status, dict):
        text = body[:_MAX_TEXT].decode("utf-8", "replace").strip()
        status = {"message": text or f"the API server answered {code}"}
    return from_status({**status, "code": code}, retry_after)


def from_status(status: Mapping[str, Any], retry_after: str | None = None) -> GuildNetError:
    """The refusal for a Kubernetes Status object, such as an ERROR event of a watch carries."""
    code = int(status.get("code") or 500)
    details = status.get("details") or {}
    refusal = _refusal(code, status, details, retry_after)
    refusal.cluster = ClusterAnswer(code, str(details.get("kind") or ""), str(details.get("name") or ""))
    return refusal


def _refusal(
    code: int, status: Mapping[str, Any], details: Mapping[str, Any], retry_after: str | None
) -> GuildNetError:
    message = str(status.get("message") or f"the API server answered {code}")
    reason = str(status.get("reason") or "")
    if code == 429:
        return TooManyRequests(message, retry_after=_seconds(retry_after, details), reason=reason)
    kind = _KINDS.get(code, Unreachable)
    if kind is not Invalid:
        return kind(message, reason=reason)
    if strict := _STRICT.search(message):
        return _unknown_fields(strict[0], reason)
    fields = _fields(details)
    if any(field.field == "metadata.uid" for field in fields):
        # Asked to change one very object, found another of that name; some paths answer 409 to this, some 422.
        return Conflict(message, reason="Conflict")
    return Invalid(message, details=fields, reason=reason)


def _unknown_fields(message: str, reason: str) -> Invalid:
    details = [FieldError(field, f"{what} field") for what, field in _UNKNOWN_FIELD.findall(message)]
    return Invalid(message, details=details, reason=reason)


def _fields(details: Mapping[str, Any]) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(str(cause["field"]), str(cause.get("message") or cause.get("reason") or "is invalid"))
        for cause in details.get("causes") or ()
        # "<nil>" stands for the remark that further rules were not looked at.
        if cause.get("field", "<nil>") != "<nil>"
    )


def _seconds(header: str | None, details: Mapping[str, Any]) -> float | None:
    text = header if header is not None else details.get("retryAfterSeconds")
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None
