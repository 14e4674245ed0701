"""Fields that claim an identity or a forwarding history: none reaches a server, however spelled (docs/proxy.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import Seen, Vector, forwarded, get, post

_NAMES: Final = (
    "Tailscale-User-Login", "Tailscale-User-Name", "Tailscale-User-Profile-Pic", "Tailscale-App-Capabilities",
    "Tailscale-Headers-Info", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
    "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-User", "X-Forwarded-Email", "Forwarded", "X-Real-Ip",
    "X-Webauth-User", "Remote-User", "Impersonate-User", "Impersonate-Extra-Scopes", "X-Guildnet-Identity",
)  # fmt: skip


def _spellings(name: str) -> Iterator[tuple[str, str]]:
    """A server that makes environment variables of fields takes all of these for one (RFC 3875, section 4.1.18)."""
    yield "as-named", name
    yield "upper-case", name.upper()
    yield "mixed-case", name.swapcase()
    if "-" in name:
        yield "underscores", name.replace("-", "_")
        yield "dots", name.replace("-", ".")
    if name.count("-") > 1:
        yield "first-underscore", name.replace("-", "_", 1)


def vectors() -> Iterator[Vector]:
    for name in _NAMES:
        clause = "RFC 7239, 8.1" if "orwarded" in name else "docs/proxy.md"
        for what, spelled in _spellings(name):
            yield forwarded(f"claim-{name.lower()}-{what}", clause, get(f"{spelled}: evil\r\n".encode()))
    for name in ("Tailscale-User-Login", "X-Forwarded-For", "Forwarded"):
        twice = f"{name}: evil\r\n{name.upper()}: evil\r\n{name.replace('-', '_')}: evil\r\n"
        yield forwarded(f"claim-{name.lower()}-three-times", "docs/proxy.md", get(twice.encode()))
        nominated = f"Connection: {name}\r\n{name}: evil\r\n"
        yield forwarded(f"claim-{name.lower()}-nominated", "RFC 9110, 7.6.1", get(nominated.encode()))
        trailing = post(b"Transfer-Encoding: chunked\r\n", f"0\r\n{name}: evil\r\n\r\n".encode())
        yield forwarded(f"claim-{name.lower()}-in-a-trailer", "RFC 9110, 6.5.1", trailing, Seen("POST"))
    kept = get(b"X-Tailscale: a\r\n")
    yield forwarded("claim-none-in-another-name", "docs/proxy.md", kept, Seen(has=(("x-tailscale", "a"),)))
    ours = (("forwarded", "for=127.0.0.1;proto=http"),)
    forged = get(b"Forwarded: for=evil\r\n")
    # A server that forwards writes X-Forwarded-For anew or adds to it, so that Forwarded alone is asked for.
    yield forwarded("claim-ours-instead", "RFC 7239, 4", forged, Seen(has=ours))
    id_ = get(b"X-Request-Id: sane-1\r\n")
    yield forwarded("claim-request-id-kept", "docs/proxy.md", id_, Seen(has=(("x-request-id", "sane-1"),)))
    yield forwarded("claim-request-id-replaced", "docs/proxy.md", get(b'X-Request-Id: evil" x\r\n'))
    yield forwarded("claim-request-id-twice", "docs/proxy.md", get(b"X-Request-Id: evil\r\nX-Request-Id: evil\r\n"))
    own = get(b"Cookie: __Host-guildnet-ws-guildnet=evil\r\n")
    yield forwarded("claim-session-cookie-of-ours", "docs/proxy.md", own, 401, closes=False)
