"""Answers of our own, completed: refusals, redirects and pages have the headers that answers from behind us have."""

from __future__ import annotations

from dataclasses import replace

from guildnet.web import security_headers
from guildnet_proxy.http.forward import Answer
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rewrite.response_head import control_headers
from guildnet_proxy.sites import Site

_PREFLIGHT = (
    b"Access-Control-Allow-Methods: GET, HEAD, POST, PATCH, DELETE\r\n"
    b"Access-Control-Allow-Headers: Content-Type, If-Match, If-None-Match, Last-Event-ID, X-Request-Id, "
    b"Authorization\r\n"
    b"Access-Control-Max-Age: 600\r\n"
)
_OF_A_WORKSPACE = frozenset({b"x-content-type-options", b"referrer-policy"})
"""What a workspace's own origin gets of the control origin's headers: the rest is about its app."""


def page_headers(site: Site) -> tuple[tuple[bytes, bytes], ...]:
    """What holds the control origin together where the api has not said it: answers of a development server for the UI,
    which brings its styles inline."""
    return security_headers.headers(site.entry, styles=("'unsafe-inline'",))


def reader(head: RequestHead, site: Site, frontend: str) -> bytes:
    """The other origin whose page may read the answer: the configured frontend of the control origin, the control
    origin where it looks at a workspace; empty for none."""
    origin = head.get(b"origin")
    if site.control:
        return origin if frontend and origin == frontend.encode() else b""
    return origin if origin == site.entry.origin.encode() and head.method in {b"GET", b"HEAD"} else b""


def preflight(site: Site, cors: bytes, request_id: str) -> Answer:
    """The answer to a preflight of the page `cors`."""
    return Answer(204, b"", control_headers(page_headers(site), cors, request_id.encode()) + _PREFLIGHT)


def completed(answer: Answer, site: Site, cors: bytes, request_id: str) -> Answer:
    """With the headers of its site where it does not say them itself, the request's id, and CORS for `cors`."""
    said = {line.partition(b":")[0].lower() for line in answer.headers.split(b"\r\n")}
    if b"access-control-allow-origin" in said:
        return answer
    headers = tuple(
        item for item in page_headers(site) if item[0] not in said and (site.control or item[0] in _OF_A_WORKSPACE)
    )
    kept = b"".join(
        line + b"\r\n"
        for line in answer.headers.split(b"\r\n")
        if line and not line.lower().startswith(b"x-request-id:")
    )
    return replace(answer, headers=kept + control_headers(headers, cors, request_id.encode()))
