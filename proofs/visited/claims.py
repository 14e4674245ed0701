"""Header fields that claim an identity or a way that a request came, in the spellings that servers take for another's.

CGI, WSGI and nginx make `_` of `-`, IIS and some gateways take `.` for it, and field names have no case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

EVIL: Final = "mallory@evil.example"
ADDRESS: Final = "100.64.0.66"
"""A device that the sidecar knows as EVIL's, with every right."""
NAMES: Final = {
    "Tailscale-User-Login": EVIL,
    "Tailscale-User-Name": EVIL,
    "Tailscale-User-Profile-Pic": f"https://{EVIL}",
    "Tailscale-App-Capabilities": '{"guildnet.io/cap/role":[{"roles":["admin"]}]}',
    "Tailscale-Headers-Info": EVIL,
    "X-Forwarded-For": ADDRESS,
    "X-Forwarded-Host": EVIL.partition("@")[2],
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": f"/{EVIL}",
    "X-Forwarded-User": EVIL,
    "X-Forwarded-Email": EVIL,
    "X-Forwarded-Preferred-Username": EVIL,
    "X-Forwarded-Access-Token": EVIL,
    "X-Forwarded-Groups": EVIL,
    "Forwarded": f"for={ADDRESS};host={EVIL.partition('@')[2]};proto=gopher",
    "X-Real-IP": ADDRESS,
    "X-Auth-Request-Email": EVIL,
    "X-Pomerium-Claim-Email": EVIL,
    "X-WebAuth-User": EVIL,
    "X-WebAuth-Role": EVIL,
    "Remote-User": EVIL,
    "Remote-Groups": EVIL,
    "Remote-Email": EVIL,
    "Impersonate-User": EVIL,
    "Impersonate-Group": "system:masters",
    "Impersonate-Extra-Scopes": EVIL,
    "X-Guildnet-Identity": EVIL,
    "X-Guildnet-Role": "admin",
    "X-Guildnet-User": EVIL,
}
MARKS: Final = (EVIL, EVIL.partition("@")[2], ADDRESS, "gopher", "system:masters", "guildnet.io/cap/role")
"""What a forged value is known by, wherever it arrives."""


def spellings() -> Iterator[tuple[str, str]]:
    """(name, value) of every field in every spelling, each name once."""
    seen = set()
    for name, value in NAMES.items():
        some = (
            name, name.lower(), name.upper(), name.swapcase(), name.replace("-", "_"), name.lower().replace("-", "_"),
            name.upper().replace("-", "_"), name.replace("-", "."), name.replace("-", "_", 1),
            name.replace("-", ".", 1),
        )  # fmt: skip
        for spelling in some:
            if spelling not in seen:
                seen.add(spelling)
                yield spelling, value


def exact(spelling: str) -> bool:
    """Is it a name that the sidecar itself sets, whose value it would have replaced?"""
    return spelling.lower() in {name.lower() for name in NAMES if name.startswith(("Tailscale-", "X-Forwarded-"))}
