"""Errors as HTTP: the status of each, and the body that every error response has.

No stack trace is ever sent: what is not in the table is logged whole and sent as `internal`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.responses import Response

from guildnet.errors import (
    Conflict,
    Denied,
    Gone,
    GuildNetError,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unreachable,
)

STATUS: Final[dict[type[GuildNetError], int]] = {
    Invalid: 400,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    TooManyRequests: 429,
    Unreachable: 503,
}
_BY_CODE: Final = {"unsupported_media_type": 415, "method_not_allowed": 405, "body_timeout": 408, "internal": 500}

INTERNAL: Final = GuildNetError(
    "Something went wrong here. Try again; if it stays, give the request id to whoever runs this install.",
    code="internal",
)


def status_of(error: GuildNetError) -> int:
    by_class = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    return _BY_CODE.get(error.code, by_class)


def body_of(error: GuildNetError, request_id: str) -> dict[str, Any]:
    """`{code, message, request_id, details?}`; the same on every path."""
    body: dict[str, Any] = {"code": error.code, "message": error.message, "request_id": request_id}
    if error.details:
        body["details"] = [{"field": detail.field, "reason": detail.reason} for detail in error.details]
    return body


def response(error: GuildNetError, request_id: str, headers: dict[str, str] | None = None) -> Response:
    extra = dict(headers or {})
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        extra["Retry-After"] = str(max(1, round(error.retry_after)))
    content = json.dumps(body_of(error, request_id), ensure_ascii=False)
    return Response(content, status_of(error), headers=extra, media_type="application/json")
