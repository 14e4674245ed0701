"""Refusals as a person and as a program get them, and the page to log in by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Final, Literal

from guildnet_proxy.frontdoor.pages.answers import as_json, echoed
from guildnet_proxy.frontdoor.pages.document import page
from guildnet_proxy.frontdoor.pages.next_step import NextStep
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer

RETRY_SECONDS: Final = 2
"""`Retry-After` of what is over soon."""
STATUS: Final = "/.guildnet/status"
"""Where a page asks for the present state of its workspace, on the workspace's origins and on the control origin."""
_LIVE: Final = frozenset({"starting", "failed", "stopped", "deleted"})
"""Codes that `STATUS` knows: it says when there is something else to see."""
_AGAIN_SECONDS: Final = 5
_TITLES: Final = {
    "starting": "The workspace is starting",
    "failed": "The workspace has failed",
    "stopped": "The workspace is stopped",
    "deleted": "The workspace is being deleted",
    "forbidden": "You may not use this workspace",
    "path_not_trusted": "This address is not for a browser",
    "target_denied": "This target is closed",
    "cross_origin": "Another site's page asked for this",
    "unknown_host": "This is no name of this install",
    "unknown_port": "The workspace has no such port",
    "bad_target": "This address names no target",
    "no_target": "There is no way to the workspace",
    "upstream_refused": "The app does not answer",
    "upstream_reset": "The app broke off",
    "upstream_timeout": "The app took too long",
    "bad_upstream": "The app's answer cannot be used",
    "headers_too_large": "The request is too large",
    "identity_limit": "You have too much open at once",
    "too_many_requests": "The workspace is busy",
    "tailnet_starting": "The tailnet is starting",
    "identity_unavailable": "Who you are cannot be found out right now",
    "internal": "Something went wrong here",
}


@dataclass(frozen=True, slots=True)
class AppLogin:
    """What the app itself asks its visitor for, for a visitor who may use the workspace."""

    kind: Literal["password", "token"]
    value: str


def refusal(
    error: Refusal,
    request_id: str,
    *,
    html: bool,
    frames: str = "'none'",
    home: str = "",
    app_login: AppLogin | None = None,
    step: NextStep | None = None,
) -> Answer:
    """The answer to a refused request, as a page or as the error shape of the API.

    `home` is the control origin, for the way back; `app_login` is shown on pages that wait for the app, and its maker
    has made sure that the visitor may have it; `step` is what the visitor can do about it.
    """
    extra = echoed(request_id)
    if error.status in {429, 503}:
        extra += f"Retry-After: {RETRY_SECONDS}\r\n".encode()
    if error.status == 426:
        extra += b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    if error.status == 401:
        extra += b'WWW-Authenticate: Bearer realm="guildnet"\r\n'
    if html:
        title = _TITLES.get(error.code) or HTTPStatus(error.status).phrase
        content = _content(error, request_id, home, app_login, step)
        answer = page(error.status, title, content, frames=frames, extra=extra, data=_script_data(error))
    else:
        body: dict[str, object] = {"code": error.code, "message": error.message, "request_id": request_id}
        if error.conditions:
            body["details"] = [
                {"field": kind, "reason": f"{status}: {reason} {message}".strip()}
                for kind, status, reason, message in error.conditions
            ]
        answer = as_json(error.status, body, extra)
    return Answer(answer.status, answer.body, answer.headers, close=error.close)


def _script_data(error: Refusal) -> tuple[tuple[str, str], ...]:
    if error.code in _LIVE:
        return ("status", STATUS), ("code", error.code)
    return (("again", str(_AGAIN_SECONDS)),) if error.status == 503 or error.code == "upstream_refused" else ()


def _content(error: Refusal, request_id: str, home: str, app_login: AppLogin | None, step: NextStep | None) -> str:
    back = f'<a href="{escape(home, quote=True)}/" target="_top">All workspaces</a>' if home else ""
    return (
        f'<p id="said" role="status">{escape(error.message)}</p>{_asked_for(app_login)}{_conditions(error)}'
        f'<p class="does">{_steps(step)}{back}</p>'
        f"<p><small>{error.status} · {escape(error.code)} · request {escape(request_id)}</small></p>"
    )


def _steps(step: NextStep | None) -> str:
    if step is None:
        return '<a class="button" href="">Try again</a>'
    if step.refused:
        return f'<a class="button" href="">Try again</a><span class="soft">{escape(step.refused)}</span>'
    first = f'<a class="button" href="{escape(step.href, quote=True)}" target="_top">{escape(step.label)}</a>'
    return f'{first}<a href="">Try again</a>'


def _asked_for(app_login: AppLogin | None) -> str:
    if app_login is None:
        return ""
    return f"<p>The app asks for its {app_login.kind}: <code>{escape(app_login.value)}</code></p>"


def _conditions(error: Refusal) -> str:
    """The table that the script goes on filling; out of sight as long as nothing is known."""
    if error.code not in _LIVE:
        return ""
    return (
        f'<table id="conditions"{"" if error.conditions else " hidden"}>'
        "<thead><tr><th>Condition<th>Status<th>Reason<th>Message</tr></thead>"
        f"<tbody>{_rows(error.conditions)}</tbody></table>"
    )


def _rows(conditions: Sequence[tuple[str, str, str, str]]) -> str:
    return "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in condition) + "</tr>" for condition in conditions
    )


def login(next_: str, request_id: str, problem: str = "") -> Answer:
    """For a person without a session on the local or domain entry; `problem` is what was wrong with their token."""
    said = f'<p role="alert"><b>{escape(problem)}</b></p>' if problem else ""
    content = (
        f"{said}<p>This install wants to know who you are. On the machine that runs it, <code>make url</code> prints a "
        "link that logs you in. Otherwise make a token and paste it here:</p>"
        "<pre>kubectl -n guildnet create token guildnet-admin --audience guildnet --duration 12h</pre>"
        f'<form action="/login" method="get"><input name="token" autocomplete="off" aria-label="Token" autofocus>'
        f'<input type="hidden" name="next" value="{escape(next_, quote=True)}"><button>Log in</button></form>'
        f"<p><small>401 · request {escape(request_id)}</small></p>"
    )
    return page(401, "Log in to GuildNet", content, extra=echoed(request_id))
