"""Bearer tokens: which one is for this install, and what it says of itself. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from math import inf
from typing import Any

from guildnet_proxy.http.message.head import RequestHead

MAX_TOKEN_BYTES = 8192


def bearer(head: RequestHead, audience: str) -> str | None:
    """The request's bearer token when it is one for us, else None: any other belongs to the app behind.

    A token for us names our audience; the payload is read without believing it, only to decide whom to ask. It is never
    passed on to a workspace, whatever the review says.
    """
    scheme, _, token = head.get(b"authorization").partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > MAX_TOKEN_BYTES:
        return None
    named = _payload(token).get("aud")
    audiences = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return token.decode() if audience in audiences else None


def _payload(token: bytes) -> dict[str, Any]:
    """What a JWT says, unverified; empty for anything else, however it is made up."""
    parts = token.split(b".")
    if len(parts) != 3 or not token.isascii():
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def token_id(token: str) -> str:
    """What names a token among what was ended; it opens nothing."""
    return "token-" + hashlib.sha256(token.encode()).hexdigest()[:32]


def expiry(token: str) -> float:
    """When a token says that it expires, in Unix seconds: to be believed of one that was reviewed."""
    expires = _payload(token.encode("utf-8", "replace")).get("exp")
    return float(expires) if isinstance(expires, int | float) else inf
