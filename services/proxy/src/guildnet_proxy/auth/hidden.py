"""Hides text inside a signed value, so that whoever holds the value cannot read it. Pure but for the nonce.

The compressed text is laid over with a keystream of HMAC-SHA256 in counter mode (NIST SP 800-108 §4.1), one random
nonce each. It guards nothing but secrecy: that the text is unchanged says the signature around it (`guildnet.signed`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import zlib

_NONCE_BYTES = 16
MAX_TEXT_BYTES = 64 * 1024


def hide(text: str, key: bytes) -> str:
    """`text` as base64url that only `key` reveals."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + _laid_over(zlib.compress(text.encode(), 9), nonce, key)).decode()


def reveal(hidden: str, key: bytes) -> str:
    """What was hidden. Raises ValueError for anything else."""
    raw = base64.urlsafe_b64decode(hidden)
    nonce, rest = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    reading = zlib.decompressobj()
    try:
        text = reading.decompress(_laid_over(rest, nonce, key), MAX_TEXT_BYTES)
    except zlib.error:
        text = b""
    if not reading.eof:
        raise ValueError("it was not hidden with this key")
    return text.decode()


def _laid_over(data: bytes, nonce: bytes, key: bytes) -> bytes:
    blocks = range(-(-len(data) // hashlib.sha256().digest_size))
    stream = b"".join(hmac.digest(key, nonce + block.to_bytes(4, "big"), "sha256") for block in blocks)
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")
