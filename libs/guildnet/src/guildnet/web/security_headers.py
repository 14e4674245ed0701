"""The headers that hold a control origin together: who may frame it, what it may load, whom it shares a process with.

Nobody may frame it, it shares no browsing context, its scripts are its own files (inline ones by their hash), and it
asks and frames the workspaces of its entry and nothing else. The api sends them with its answers, the proxy with its
own pages.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from guildnet.web.entries import Entry, origin

STATIC: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
"""Headers of every answer, names in lower case as HTTP/2 and ASGI write them."""
POLICY: Final = b"content-security-policy"
NAMES: Final = frozenset({POLICY, *(name for name, _ in STATIC)})
"""The lower-case names of all headers that `headers` gives."""


def frame_sources(entry: Entry | None) -> str:
    """The CSP sources of what a UI frames: its own origin, whose path form leads to the workspaces' origins, and those
    of its entry, whose host or port is a wildcard and no more. `'none'` without an entry.
    """
    if entry is None:
        return "'none'"
    match entry.mode:
        case "host":
            return f"'self' {origin(entry.scheme, f'*.{entry.host}', entry.port)}"
        case "port":
            return f"'self' {entry.scheme}://{entry.host}:*"
        case _:
            return "'self'"


def content_security_policy(entry: Entry | None, scripts: tuple[str, ...] = (), styles: tuple[str, ...] = ()) -> str:
    """The policy of a page on the control origin; `scripts` and `styles` are CSP sources beside `'self'` (hashes).

    It may ask the workspaces: a UI that asks for a frame's address before it shows the frame would be refused by its
    own page otherwise.
    """
    frames = frame_sources(entry)
    asks = frames if entry is not None else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *scripts)),
            " ".join(("style-src 'self'", *styles)),
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src {asks}",
            "manifest-src 'self'",
            "worker-src 'self'",
            f"frame-src {frames}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


@lru_cache(maxsize=64)
def headers(
    entry: Entry | None, scripts: tuple[str, ...] = (), styles: tuple[str, ...] = ()
) -> tuple[tuple[bytes, bytes], ...]:
    """Every header of an answer on the control origin of this entry."""
    return (*STATIC, (POLICY, content_security_policy(entry, scripts, styles).encode()))
