"""What each operation may be refused with: the stable codes of a status, each with its meaning. For the document.

A test compares every refusal of the suites with this, so a code that is missing here fails it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Refusals = Mapping[int, Mapping[str, str]]
"""By status and code."""


def joined(*parts: Refusals) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for part in parts:
        for status, codes in part.items():
            found.setdefault(status, {}).update(codes)
    return dict(sorted(found.items()))


EVERYWHERE: Final[Refusals] = {
    400: {"bad_request": "The request is not well-formed HTTP."},
    401: {
        "bad_token": "The token is damaged, expired or not for this install.",
        "unauthenticated": "Nobody is logged in.",
    },
    403: {
        "forbidden": "The caller is anonymous, or may not do this.",
        "cross_origin": "A page of another site asks.",
        "bad_identity": "The request did not come through the proxy.",
        "identity_mismatch": "The tailnet does not confirm who asks.",
    },
    408: {"slow_header": "The head did not arrive in time.", "slow_body": "The body did not arrive in time."},
    421: {"unknown_host": "The host is not one of this install."},
    429: {
        "too_many_requests": "The caller asks too much of the api, at once or in the long run.",
        "identity_limit": "The caller has too many requests under way at the proxy.",
    },
    431: {"headers_too_large": "The header fields are over their limit."},
    500: {"internal": "A fault of GuildNet's; the log has it under the request id."},
    502: {
        "cluster_refused": "The cluster refuses this to GuildNet itself; the api's log says why.",
        "upstream_refused": "The api does not take connections right now.",
        "upstream_reset": "The connection to the api ended before its answer.",
        "bad_upstream": "The api's answer was not usable.",
        "no_target": "There is no api to connect to right now.",
    },
    503: {
        "unavailable": "The cluster does not answer right now.",
        "audit_failed": "The audit line could not be written, so nothing was done.",
        "identity_unavailable": "It cannot be found out who asks right now.",
        "slow_decision": "It took too long to find out about the request.",
        "starting": "The install is starting.",
        "tailnet_starting": "The tailnet name is not known yet.",
    },
    504: {"upstream_timeout": "The api did not answer in time."},
}
"""Of the proxy in front, and of whatever the api may meet."""

NOT_READY: Final[Refusals] = {
    503: {"not_ready": "The workspaces are still being read from the cluster; try again in a moment."}
}
BAD_QUERY: Final[Refusals] = {400: {"invalid_query": "A parameter cannot be read; `details` names it."}}
UNKNOWN: Final[Refusals] = {404: {"not_found": "There is no such workspace, or the caller may not list it."}}
CHANGE: Final[Refusals] = joined(
    UNKNOWN,
    {
        400: {"invalid_spec": "The cluster does not accept what the workspace would be; `details` names the field."},
        409: {
            "conflict": "The workspace has just been changed or replaced by another.",
            "deleting": "The workspace is being deleted.",
            "stopped": "The workspace is stopped.",
            "limit_reached": "The caller runs as many workspaces as it may.",
            "admission_denied": "A rule of the cluster, such as a quota, refuses it.",
        },
        413: {"too_large": "The workspace would be over what the cluster stores."},
    },
)
BODY: Final[Refusals] = {
    400: {
        "bad_body": "The body is not a JSON object.",
        "invalid_spec": "`details` names every field that cannot be accepted.",
    },
    408: {"body_timeout": "The body did not arrive in time."},
    413: {"too_large": "The body is over 1 MiB."},
    415: {"unsupported_media_type": "The body is not sent as application/json."},
}
LOGS: Final[Refusals] = {
    404: {
        "not_found": "There is no such workspace, or the caller may not list it.",
        "no_pods": "The workspace has no pod now.",
        "no_container": "Its pod has no container of this name.",
    }
}
