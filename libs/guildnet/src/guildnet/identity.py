"""Who is calling, through which entry, and the signed header that carries it from the proxy to the api.

The header is bound to one method and path and is believed for 60 seconds. It refuses anything it did not sign with the
same key, byte for byte; there is no way to turn the check off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from guildnet.errors import Denied
from guildnet.signed import SealError, seal, unseal
from guildnet.web.entries import MODES, Entry

HEADER: Final = "X-Guildnet-Identity"
MAX_AGE_SECONDS: Final = 60.0
"""Seconds a signed identity is believed after it was issued."""
MAX_CLOCK_SKEW_SECONDS: Final = 5.0
"""Seconds the issuer's clock may be ahead of ours."""
MAX_HEADER_BYTES: Final = 16 * 1024
ROLE_ADMIN: Final = "admin"

Kind = Literal["user", "node", "token", "anonymous"]
_KINDS: Final = frozenset({"user", "node", "token", "anonymous"})


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller, as resolved by the proxy. `source` names what vouched for it: tailnet, bearer, session, oidc, none."""

    kind: Kind
    login: str = ""
    display_name: str = ""
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    source: str = ""
    entry: Entry | None = None
    groups: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The stable text for owner annotations and per-subject limits; empty for anonymous.

        A user is its bare login; other kinds carry their kind, so that no node or account can be named like a user.
        """
        name = self.login or self.display_name
        if self.kind == "anonymous" or not name:
            return ""
        return name if self.kind == "user" else f"{self.kind}:{name}"

    @property
    def is_admin(self) -> bool:
        return self.kind != "anonymous" and ROLE_ADMIN in self.roles


ANONYMOUS: Final = Identity(kind="anonymous", source="none")


def sign(identity: Identity, key: bytes, *, method: str, path: str, now: float) -> str:
    """The header value for one request: `path` is the raw request target without its query, `now` Unix seconds."""
    return seal(claims_of(identity) | {"iat": now, "method": method.upper(), "path": path}, key)


def verify(header: str, key: bytes, *, method: str, path: str, now: float) -> Identity:
    """The identity a header carries for this very request.

    Raises Denied for anything else: another key, version, method or path, too old, from the future, or damaged.
    """
    if not header:
        raise _denied("it is missing")
    try:
        claims = unseal(header, key, max_bytes=MAX_HEADER_BYTES)
    except SealError as error:
        raise _denied(f"{error}: proxy and api must mount the same key") from None
    if claims.get("method") != method.upper() or claims.get("path") != path:
        raise _denied("it was issued for another request")
    issued = claims.get("iat")
    fresh = isinstance(issued, int | float) and -MAX_CLOCK_SKEW_SECONDS <= now - issued <= MAX_AGE_SECONDS
    if isinstance(issued, bool) or not fresh:
        raise _denied("it is expired or from the future: check the clocks")
    try:
        return identity_of(claims)
    except ValueError as error:
        raise _denied(str(error)) from None


def claims_of(identity: Identity) -> dict[str, Any]:
    """The identity as claims to be sealed; `identity_of` reads them."""
    entry = identity.entry
    return {
        "kind": identity.kind,
        "login": identity.login,
        "displayName": identity.display_name,
        "tags": list(identity.tags),
        "roles": list(identity.roles),
        "groups": list(identity.groups),
        "source": identity.source,
        "entry": None if entry is None else {"name": entry.name, "origin": entry.origin, "mode": entry.mode},
    }


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The identity of unsealed claims. Raises ValueError where a field is missing or of the wrong kind."""
    try:
        entry = claims["entry"]
        if claims["kind"] not in _KINDS or (entry is not None and entry["mode"] not in MODES):
            raise ValueError("it is malformed")
        return Identity(
            kind=claims["kind"],
            login=claims["login"],
            display_name=claims["displayName"],
            tags=tuple(claims["tags"]),
            roles=tuple(claims["roles"]),
            source=claims["source"],
            entry=None if entry is None else Entry(name=entry["name"], origin=entry["origin"], mode=entry["mode"]),
            groups=tuple(claims.get("groups") or ()),
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError("it is malformed") from None


def _denied(why: str) -> Denied:
    return Denied(f"the signed identity of this request was refused: {why}", code="bad_identity")
