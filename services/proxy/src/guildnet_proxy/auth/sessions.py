"""Signed values a browser carries: the session of a control origin, the one-time ticket, a workspace origin's session.

Each kind has a key of its own derived from the install's, so that none is ever valid as another. Pure but for the ring
of used tickets; nothing here is kept on disk, and a changed install key ends every session.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from guildnet.identity import Entry, Identity, derive_key

SESSION_SECONDS = 12 * 3600
TICKET_SECONDS = 30
NONCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Names:
    """The cookie names of one install; the `__Host-` prefix keeps sister origins from tossing them."""

    session: str
    workspace: str
    nonce: str


def names(install: str) -> Names:
    return Names(f"__Host-guildnet-{install}", f"__Host-guildnet-ws-{install}", f"__Host-guildnet-nonce-{install}")


@dataclass(frozen=True, slots=True)
class Session:
    """Who, until when (Unix seconds)."""

    identity: Identity
    expires: float


class Sessions:
    """Issues and reads the three kinds; reading gives None for anything not issued here, expired or for elsewhere."""

    def __init__(self, key: bytes, install: str) -> None:
        self.names = names(install)
        self._session_key = derive_key(key, "session")
        self._ticket_key = derive_key(key, "ticket")
        self._workspace_key = derive_key(key, "workspace-session")
        self._used: dict[str, float] = {}

    def issue(self, identity: Identity, entry: Entry, now: float) -> str:
        return _seal(self._session_key, _claims(identity, now + SESSION_SECONDS) | {"entry": entry.name})

    def read(self, value: str, entry: Entry, now: float) -> Session | None:
        claims = _open(self._session_key, value, now)
        return None if claims is None or claims.get("entry") != entry.name else _session(claims, entry)

    def ticket(self, session: Session, label: str, uid: str, nonce_digest: str, now: float) -> str:
        """A ticket for the workspace origin `label` of the object `uid`, for the browser that holds the nonce."""
        claims = _claims(session.identity, now + TICKET_SECONDS)
        claims |= {"label": label, "uid": uid, "nonce": nonce_digest, "id": secrets.token_hex(12)}
        return _seal(self._ticket_key, claims | {"session": session.expires})

    def redeem(self, ticket: str, label: str, nonce: str, entry: Entry, now: float) -> tuple[Session, str] | None:
        """The session and workspace uid of a ticket, once; None for a second use, another origin or browser."""
        claims = _open(self._ticket_key, ticket, now)
        if claims is None or claims["label"] != label or not nonce:
            return None
        if not hmac.compare_digest(str(claims["nonce"]), digest(nonce)) or claims["id"] in self._used:
            return None
        self._used = {key: until for key, until in self._used.items() if until >= now}
        self._used[claims["id"]] = claims["exp"]
        return _session(claims | {"exp": claims["session"]}, entry), str(claims["uid"])

    def issue_workspace(self, session: Session, uid: str) -> str:
        return _seal(self._workspace_key, _claims(session.identity, session.expires) | {"uid": uid})

    def read_workspace(self, value: str, uid: str, entry: Entry, now: float) -> Session | None:
        claims = _open(self._workspace_key, value, now)
        return None if claims is None or claims.get("uid") != uid else _session(claims, entry)


def digest(nonce: str) -> str:
    """What of a nonce may stand in a URL."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def new_nonce() -> str:
    return secrets.token_urlsafe(24)


def cookie(name: str, value: str, seconds: int) -> bytes:
    """A Set-Cookie value for one of ours; 0 seconds removes it. Lax: a link from a mail has to find its session."""
    return f"{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax".encode()


def _claims(identity: Identity, expires: float) -> dict[str, Any]:
    return {
        "kind": identity.kind,
        "login": identity.login,
        "name": identity.display_name,
        "tags": list(identity.tags),
        "roles": list(identity.roles),
        "groups": list(identity.groups),
        "exp": expires,
    }


def _session(claims: dict[str, Any], entry: Entry) -> Session:
    identity = Identity(
        kind=claims["kind"],
        login=claims["login"],
        display_name=claims["name"],
        tags=tuple(claims["tags"]),
        roles=tuple(claims["roles"]),
        source="session",
        entry=entry,
        groups=tuple(claims["groups"]),
    )
    return Session(identity, claims["exp"])


def _seal(key: bytes, claims: dict[str, Any]) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).rstrip(b"=")
    return f"{payload.decode()}.{_mac(key, payload)}"


def _mac(key: bytes, payload: bytes) -> str:
    return hmac.digest(key, payload, hashlib.sha256).hex()


def _open(key: bytes, value: str, now: float) -> dict[str, Any] | None:
    payload, dot, mac = value.partition(".")
    if not dot or len(value) > 4096 or not value.isascii():
        return None
    if not hmac.compare_digest(_mac(key, payload.encode()), mac):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return None
    return claims if isinstance(claims, dict) and now <= claims["exp"] else None
