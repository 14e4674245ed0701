"""Bodies and query parameters of requests, JSON of responses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from guildnet.errors import FieldError, Invalid
from guildnet_api.http.sse import compact
from guildnet_api.workspaces.spec import Wire, parse

M = TypeVar("M", bound=Wire)

BODY_TIMEOUT_SECONDS: Final = 20.0


async def read_body(request: Request, model: type[M]) -> M:
    """The body as a value. Raises Invalid, also when it does not arrive in time."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            body = await request.body()
    except TimeoutError:
        raise Invalid(f"The body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s.", code="body_timeout") from None
    return parse(body, model)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(compact(value), status, headers=dict(headers or {}), media_type="application/json")


def flag(request: Request, name: str) -> bool:
    """A boolean of the query; `?dryRun` alone means yes. Raises Invalid for what is neither."""
    text = request.query_params.get(name)
    if text is None or text.lower() in ("false", "0", "no"):
        return False
    if text.lower() in ("", "true", "1", "yes"):
        return True
    raise bad_query(name, f"{text!r} is neither true nor false")


def count(request: Request, name: str, default: int, maximum: int) -> int:
    """A whole number of the query, at most `maximum`. Raises Invalid for anything but digits."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal():
        raise bad_query(name, f"{text!r} is not a count")
    # The first digits of a number that is longer are more than any maximum.
    return min(int(text.lstrip("0")[:9] or "0"), maximum)


def bad_query(name: str, reason: str) -> Invalid:
    """The refusal of one query parameter."""
    return Invalid(f"The query is not valid: see {name}.", code="invalid_query", details=(FieldError(name, reason),))
