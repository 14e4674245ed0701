"""Pages: the answers the proxy makes itself, JSON for programs and a self-contained page for a person.

A page for a workspace that is still starting shows its conditions and loads itself again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from http import HTTPStatus

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:12vh auto;padding:0 1.5rem;color:#1f2933;"
    "background:#f7f9fb}h1{font-size:1.4rem}code,pre{background:#e8edf2;border-radius:4px;padding:.1rem .35rem}"
    "pre{white-space:pre-wrap}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top;"
    "border-bottom:1px solid #d9e2ec}small{color:#627d98}input{font:inherit;width:100%;padding:.4rem;box-sizing:"
    "border-box}button{font:inherit;margin-top:.6rem;padding:.4rem 1rem}"
    "@media(prefers-color-scheme:dark){body{background:#14191f;color:#dbe4ed}code,pre{background:#26303b}"
    "td,th{border-color:#334155}}"
)
RELOAD_SECONDS = 2


def redirect(location: str, *set_cookies: bytes, status: int = 303, request_id: str = "") -> Answer:
    lines = b"".join(b"Set-Cookie: %b\r\n" % cookie for cookie in set_cookies)
    lines += _echoed(request_id) if request_id else b""
    return Answer(status, b"", lines + f"Location: {location}\r\nCache-Control: no-store\r\n".encode("latin-1"))


def _echoed(request_id: str) -> bytes:
    return f"X-Request-Id: {request_id}\r\n".encode()


def as_json(status: int, value: object, extra: bytes = b"", *, request_id: str = "") -> Answer:
    extra += _echoed(request_id) if request_id else b""
    body = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    return Answer(status, body, b"Content-Type: application/json\r\nCache-Control: no-store\r\n" + extra)


def page(
    status: int, title: str, content: str, *, frames: str = "'none'", extra: bytes = b"", reload: bool = False
) -> Answer:
    """`content` is HTML that its maker escaped; `frames` who may frame it."""
    refresh = f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}">' if reload else ""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"{refresh}<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{content}"
    ).encode()
    headers = (
        "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Referrer-Policy: same-origin\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {frames}\r\n"
    ).encode()
    return Answer(status, body, headers + extra)


def refusal(error: Refusal, request_id: str, *, html: bool, frames: str = "'none'") -> Answer:
    """The answer to a refused request, as a page or as the error shape of the API."""
    extra = _echoed(request_id)
    waiting = error.status == 503
    if waiting or error.status == 429:
        extra += f"Retry-After: {RELOAD_SECONDS}\r\n".encode()
    if error.status == 401:
        extra += b'WWW-Authenticate: Bearer realm="guildnet"\r\n'
    if error.status == 426:
        extra += b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    if html:
        content = (
            f"<p>{escape(error.message)}</p>{_conditions(error.conditions)}"
            f"<p><small>{error.status} · {escape(error.code)} · request {escape(request_id)}</small></p>"
        )
        answer = page(error.status, _title(error), content, frames=frames, extra=extra, reload=waiting)
    else:
        body: dict[str, object] = {"code": error.code, "message": error.message, "request_id": request_id}
        if error.conditions:
            body["details"] = [
                {"field": kind, "reason": f"{status}: {reason} {message}".strip()}
                for kind, status, reason, message in error.conditions
            ]
        answer = as_json(error.status, body, extra)
    return Answer(answer.status, answer.body, answer.headers, close=error.close)


def login(next_: str, request_id: str) -> Answer:
    """For a person without a session on the local or domain entry."""
    content = (
        "<p>This install wants to know who you are. On the machine that runs it, <code>make url</code> prints a link "
        "that logs you in. Otherwise make a token and paste it here:</p>"
        "<pre>kubectl -n guildnet create token guildnet-admin --audience guildnet --duration 12h</pre>"
        f'<form action="/login" method="get"><input name="token" autocomplete="off" aria-label="Token" autofocus>'
        f'<input type="hidden" name="next" value="{escape(next_, quote=True)}"><button>Log in</button></form>'
        f"<p><small>401 · request {escape(request_id)}</small></p>"
    )
    extra = _echoed(request_id)
    return page(401, "Log in to GuildNet", content, extra=extra)


def _title(error: Refusal) -> str:
    titles = {"starting": "The workspace is starting", "stopped": "The workspace is stopped"}
    return titles.get(error.code) or HTTPStatus(error.status).phrase


def _conditions(rows: Sequence[tuple[str, str, str, str]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in (kind, status, reason, message)) + "</tr>"
        for kind, status, reason, message in rows
    )
    return f"<table><tr><th>Condition<th><th>Reason<th>Message</tr>{cells}</table>"
