"""The server's side of a WebSocket handshake (RFC 6455 4.2). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.message.head import RequestHead

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16


def accepted(head: RequestHead, rule: str, lines: bytes = b"") -> bytes:
    """The whole answer that accepts it, with `lines` of ours. Raises Refusal: 426 where nobody asks for a WebSocket,
    400 for a handshake of another version or with a key that is none."""
    if not head.upgrade:
        raise Refusal(426, "upgrade_required", "This is a WebSocket; `guildnet forward` opens one.", rule=rule)
    key = head.get(b"sec-websocket-key")
    try:
        fits = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        fits = False
    if not fits or head.get(b"sec-websocket-version") != b"13":
        raise Refusal(400, "bad_request", "The handshake is not one of RFC 6455.", rule=rule)
    answer = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
    return b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade + answer + b"\r\n" + lines + b"\r\n"
