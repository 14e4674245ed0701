"""Who is calling, through which entry, and the signed header that carries it from the proxy to the api.

The header is bound to one method and path and is believed for 60 seconds. It refuses anything it did not sign with the
same key, byte for byte; there is no way to turn the check off.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from guildnet.errors import Denied, Invalid

HEADER: Final = "X-Guildnet-Identity"
MAX_AGE: Final = 60.0
"""Seconds a signed identity is believed after it was issued."""
SKEW: Final = 5.0
"""Seconds the issuer's clock may be ahead of ours."""
MAX_HEADER: Final = 16 * 1024
MIN_KEY: Final = 32
ROLE_ADMIN: Final = "admin"

Kind = Literal["user", "node", "token", "anonymous"]
Mode = Literal["host", "port", "path"]
_KINDS: Final = frozenset({"user", "node", "token", "anonymous"})
_MODES: Final = frozenset({"host", "port", "path"})
_VERSION: Final = "v1"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Entry:
    """One way into the install: its name (tailnet, local, domain), control origin, and how workspaces get origins."""

    name: str
    origin: str
    """Control origin without trailing slash, e.g. `https://guildnet.tailtest.example`."""
    mode: Mode = "path"

    @property
    def scheme(self) -> str:
        return urlsplit(self.origin).scheme

    @property
    def host(self) -> str:
        """Host name without port; an IPv6 address without brackets."""
        return urlsplit(self.origin).hostname or ""

    @property
    def port(self) -> int:
        """The port, explicit or the scheme's own."""
        parts = urlsplit(self.origin)
        return parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


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
    claims = _claims(identity) | {"iat": now, "method": method.upper(), "path": path}
    payload = _b64(json.dumps(claims, separators=(",", ":"), ensure_ascii=True).encode())
    signed = f"{_VERSION}.{payload}"
    return f"{signed}.{_mac(signed, key)}"


def verify(header: str, key: bytes, *, method: str, path: str, now: float) -> Identity:
    """The identity a header carries for this very request.

    Raises Denied for anything else: another key, version, method or path, too old, from the future, or damaged.
    """
    if not header:
        raise _denied("it is missing")
    signed, dot, signature = header.rpartition(".")
    if len(header) > MAX_HEADER or not dot or not header.isascii():
        raise _denied("it is malformed")
    # The encoded text is compared, not its decoded bytes: base64 has several spellings of the same bytes.
    if not hmac.compare_digest(_mac(signed, key).encode(), signature.encode()):
        raise _denied("its signature does not match: proxy and api must mount the same key")
    version, _, payload = signed.partition(".")
    if version != _VERSION:
        raise _denied(f"its version {version!r} is not {_VERSION}")
    claims = _decoded(payload)
    if claims.get("method") != method.upper() or claims.get("path") != path:
        raise _denied("it was issued for another request")
    issued = claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not -SKEW <= now - issued <= MAX_AGE:
        raise _denied("it is expired or from the future: check the clocks")
    return _identity(claims)


def read_key(path: str | Path) -> bytes:
    """The install's signing key from a mounted file, surrounding white space dropped. Raises Invalid under 32 bytes."""
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise Invalid(
            f"the identity key {path} cannot be read: {error.strerror}; mount the Secret guildnet-keys"
        ) from None
    if len(key) < MIN_KEY:
        raise Invalid(f"the identity key {path} has {len(key)} bytes; it needs at least {MIN_KEY}")
    return key


def derive_key(key: bytes, purpose: str) -> bytes:
    """A key for another purpose (`session`, `ticket`), so that no signature of one is ever valid as another."""
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def _mac(signed: str, key: bytes) -> str:
    return _b64(hmac.digest(key, signed.encode(), hashlib.sha256))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(payload: str) -> Mapping[str, Any]:
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        raise _denied("it is malformed") from None
    if not isinstance(claims, dict):
        raise _denied("it is malformed")
    return claims


def _claims(identity: Identity) -> dict[str, Any]:
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


def _identity(claims: Mapping[str, Any]) -> Identity:
    try:
        entry = claims["entry"]
        if claims["kind"] not in _KINDS or (entry is not None and entry["mode"] not in _MODES):
            raise _denied("it is malformed")
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
        raise _denied("it is malformed") from None


def _denied(why: str) -> Denied:
    return Denied(f"the signed identity of this request was refused: {why}", code="bad_identity")
