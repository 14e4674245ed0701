"""Redirects and JSON."""

from __future__ import annotations

import json

from guildnet_proxy.http.forward import Answer


def redirect(location: str, *set_cookies: bytes, status: int = 303, request_id: str = "", cors: bytes = b"") -> Answer:
    lines = b"".join(b"Set-Cookie: %b\r\n" % cookie for cookie in set_cookies) + may_read(cors)
    lines += echoed(request_id) if request_id else b""
    return Answer(status, b"", lines + f"Location: {location}\r\nCache-Control: no-store\r\n".encode("latin-1"))


def may_read(origin: bytes) -> bytes:
    """The fields by which a page of `origin` may read an answer; none where it is empty."""
    if not origin:
        return b""
    return b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n" % origin


def echoed(request_id: str) -> bytes:
    """The field that tells a client the id by which the log has its request."""
    return f"X-Request-Id: {request_id}\r\n".encode()


def as_json(status: int, value: object, extra: bytes = b"", *, request_id: str = "") -> Answer:
    extra += echoed(request_id) if request_id else b""
    body = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    return Answer(status, body, b"Content-Type: application/json\r\nCache-Control: no-store\r\n" + extra)
