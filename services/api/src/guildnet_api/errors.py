"""Errors as HTTP: the status of each, and the body that every error response has.

No stack trace is ever sent: what is not in the table is logged whole and sent as `internal`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
from guildnet.kube.resources import PODS, WORKSPACES

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
_BY_CODE: Final = {
    "unsupported_media_type": 415, "method_not_allowed": 405, "body_timeout": 408, "internal": 500,
    "cluster_refused": 502,
}  # fmt: skip
RETRY_AFTER_SECONDS: Final = 2
"""Sent with every 503 that knows no time of its own."""
_ASKED_FOR: Final = {WORKSPACES.plural: "workspace", PODS.plural: "pod"}
"""What a caller's request can be about; that a namespace or a kind is missing is for whoever runs the install."""
_RBAC: Final = re.compile(r'is forbidden: User "|^Unauthorized')
_ADMISSION: Final = re.compile(r"(?:is forbidden: |^(?=admission webhook ))(.{1,500})", re.DOTALL)

INTERNAL: Final = GuildNetError(
    "Something went wrong here. Try again; if it stays, give the request id to whoever runs this install.",
    code="internal",
)


def told(error: GuildNetError) -> GuildNetError:
    """What a caller is told of an error. What the cluster refuses to us is no fault of the caller's, and the cluster's
    own words hold its addresses: both stay in the log."""
    cluster = error.cluster
    if cluster is None:
        return error
    if isinstance(error, Unreachable | TooManyRequests | Gone):
        return Unreachable("The cluster does not answer right now. Try again in a moment; what is running goes on.")
    if isinstance(error, Denied):
        return _denied(error)
    if isinstance(error, NotFound):
        what = _ASKED_FOR.get(cluster.kind)
        return NotFound(f"There is no {what} {cluster.name!r} any more.") if what else _refused()
    return _refused() if cluster.status in (405, 415) else error


def _denied(error: Denied) -> GuildNetError:
    """A rule of the cluster's that judged the object (a quota, a webhook) is told, one that judged us is not."""
    rule = None if _RBAC.search(error.message) else _ADMISSION.search(error.message)
    if rule is None:
        return _refused()
    return Conflict(f"A rule of the cluster refuses this: {rule[1]}", code="admission_denied")


def _refused() -> GuildNetError:
    return GuildNetError(
        "The cluster refuses this to GuildNet itself, not to you. Whoever runs this install finds the reason in the "
        "api's log, by the request id.",
        code="cluster_refused",
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


def response(
    error: GuildNetError,
    request_id: str,
    headers: dict[str, str] | None = None,
    *,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """The response of an error; `more` is what its body has besides."""
    extra, status = dict(headers or {}), status_of(error)
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        extra["Retry-After"] = str(max(1, round(error.retry_after)))
    elif status == 503:
        extra["Retry-After"] = str(RETRY_AFTER_SECONDS)
    content = json.dumps({**body_of(error, request_id), **(more or {})}, ensure_ascii=False)
    return Response(content, status, headers=extra, media_type="application/json")
