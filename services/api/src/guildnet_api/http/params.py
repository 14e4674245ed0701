"""Bodies and query parameters of requests, JSON of responses."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from guildnet.errors import FieldError, Invalid
from guildnet_api.http.sse import compact
from guildnet_api.workspaces.spec import Wire, parse

M = TypeVar("M", bound=Wire)

BODY_TIMEOUT_SECONDS: Final = 20.0
SIMILAR: Final = 0.75
"""How much two names of parameters have in common, from 0 to 1, where one is a slip for the other (`folow`)."""


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


def refuse_slips(request: Request, known: Collection[str], elsewhere: Collection[str]) -> None:
    """Raises Invalid for a parameter that looks like a `known` one, or that other operations take, and would do nothing
    here. Any other that is not known is left alone: clients add theirs."""
    for name in request.query_params:
        if name in known:
            continue
        near = get_close_matches(name, known, n=1, cutoff=SIMILAR)
        if near:
            raise bad_query(name, f"there is no such parameter; do you mean {near[0]}?")
        if name in elsewhere:
            raise bad_query(name, f"there is no such parameter here; it takes {', '.join(sorted(known)) or 'none'}")


def bad_query(name: str, reason: str) -> Invalid:
    """The refusal of one query parameter."""
    return Invalid(f"The query is not valid: see {name}.", code="invalid_query", details=(FieldError(name, reason),))
