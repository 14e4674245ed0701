"""The headers that hold the control origin together, for every answer of the api.

Nobody may frame it, it shares no browsing context, its scripts are its own files (inline ones by their hash), and it
frames the workspaces of its entry and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Final

from guildnet.identity import Entry

_INLINE: Final = re.compile(rb"<(script|style)(\s[^>]*)?>(.*?)</\1>", re.DOTALL | re.IGNORECASE)

STATIC: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)


def workspaces(entry: Entry | None) -> str:
    """The CSP source that covers the workspace origins of an entry: their host or their port is a wildcard, no more."""
    if entry is None:
        return "'none'"
    match entry.mode:
        case "host":
            port = entry.origin.removeprefix(f"{entry.scheme}://").rpartition(":")[2]
            suffix = f":{port}" if port.isdecimal() else ""
            return f"{entry.scheme}://*.{entry.host}{suffix}"
        case "port":
            return f"{entry.scheme}://{entry.host}:*"
        case _:
            return "'self'"


@lru_cache(maxsize=32)
def headers(
    entry: Entry | None, scripts: tuple[str, ...] = (), styles: tuple[str, ...] = ()
) -> tuple[tuple[bytes, bytes], ...]:
    policy = "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *scripts)),
            " ".join(("style-src 'self'", *styles)),
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            f"frame-src {workspaces(entry)}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    return (*STATIC, (b"content-security-policy", policy.encode()))


def hashes(page: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The CSP sources of a page's inline scripts and styles."""
    found: dict[str, list[str]] = {"script": [], "style": []}
    for kind, _, content in _INLINE.findall(page):
        if content.strip():
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            found[kind.decode().lower()].append(f"'sha256-{digest}'")
    return tuple(found["script"]), tuple(found["style"])
