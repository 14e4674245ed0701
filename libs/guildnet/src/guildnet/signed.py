"""Signed values: claims as JSON with an HMAC-SHA256, in one text form for the identity header, sessions and tickets.

The form is `v1.PAYLOAD.MAC`, both parts base64url without padding. Reading refuses whatever this key did not sign, byte
for byte; expiry and what the claims mean is the caller's business. A value of one purpose is never valid as another,
because each purpose has a key of its own (`derive_key`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from guildnet.errors import Invalid

VERSION: Final = "v1"
MIN_KEY_BYTES: Final = 32


class SealError(ValueError):
    """A value that this key did not sign, or that is damaged; the text says which."""


def seal(claims: Mapping[str, Any], key: bytes) -> str:
    """The claims as signed text: ASCII without spaces, safe in a header, a cookie and a URL."""
    payload = _b64(_ascii_json(claims))
    signed = f"{VERSION}.{payload}"
    return f"{signed}.{_mac(signed, key)}"


def unseal(text: str, key: bytes, *, max_bytes: int) -> dict[str, Any]:
    """The claims of a sealed text. Raises SealError for another key or version and for anything malformed."""
    signed, dot, signature = text.rpartition(".")
    if len(text) > max_bytes or not dot or not text.isascii():
        raise SealError("it is malformed")
    # The encoded text is compared, not its decoded bytes: base64 has several spellings of the same bytes.
    if not hmac.compare_digest(_mac(signed, key).encode(), signature.encode()):
        raise SealError("its signature does not match")
    version, _, payload = signed.partition(".")
    if version != VERSION:
        raise SealError(f"its version {version!r} is not {VERSION}")
    try:
        claims = _parsed(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        raise SealError("it is malformed") from None
    if not isinstance(claims, dict):
        raise SealError("it is malformed")
    return claims


def _ascii_json(claims: Mapping[str, Any]) -> bytes:
    try:
        found = orjson.dumps(claims)
    except TypeError:
        found = b"\xff"
    # orjson escapes neither DEL nor what is no ASCII, and refuses lone surrogates; one form of the claims is kept.
    if found.isascii() and b"\x7f" not in found:
        return found
    return json.dumps(claims, separators=(",", ":"), ensure_ascii=True).encode()


def _parsed(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return json.loads(payload)


def derive_key(key: bytes, purpose: str) -> bytes:
    """A key for another purpose (`session`, `ticket`), so that no signature of one is ever valid as another."""
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def read_key(path: str | Path) -> bytes:
    """The install's signing key from a mounted file, surrounding white space dropped. Raises Invalid under 32 bytes."""
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise Invalid(
            f"the identity key {path} cannot be read: {error.strerror}; mount the Secret guildnet-keys"
        ) from None
    if len(key) < MIN_KEY_BYTES:
        raise Invalid(f"the identity key {path} has {len(key)} bytes; it needs at least {MIN_KEY_BYTES}")
    return key


def _mac(signed: str, key: bytes) -> str:
    return _b64(hmac.digest(key, signed.encode(), hashlib.sha256))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
