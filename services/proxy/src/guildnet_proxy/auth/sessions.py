"""Sessions: the signed values a browser carries for a control origin, a one-time ticket and a workspace origin.

Each kind has a key of its own derived from the install's, so that none is ever valid as another. Pure but for the
used tickets (used_tickets.py); a changed install key ends every session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from typing import Any

from guildnet.identity import Identity, claims_of, identity_of
from guildnet.signed import SealError, derive_key, seal, unseal
from guildnet.web.entries import Entry
from guildnet_proxy.auth.used_tickets import UsedHere, UsedTickets

SESSION_SECONDS = 12 * 3600
TICKET_SECONDS = 30
NONCE_SECONDS = 120
MAX_COOKIE_BYTES = 4096
"""What browsers keep of one cookie; a longer value is not one of ours."""


@dataclass(frozen=True, slots=True)
class CookieNames:
    """The cookie names of one install; the `__Host-` prefix keeps sister origins from tossing them."""

    session: str
    workspace: str
    nonce: str


def cookie_names(install: str) -> CookieNames:
    return CookieNames(
        f"__Host-guildnet-{install}", f"__Host-guildnet-ws-{install}", f"__Host-guildnet-nonce-{install}"
    )


@dataclass(frozen=True, slots=True)
class Session:
    """Who, until when (Unix seconds)."""

    identity: Identity
    expires: float


class Sessions:
    """Issues and reads the three kinds; reading gives None for anything not issued here, expired or for elsewhere."""

    def __init__(self, key: bytes, install: str, used: UsedTickets | None = None) -> None:
        """`used` remembers tickets where others than this process redeem them too."""
        self.names = cookie_names(install)
        self._session_key = derive_key(key, "session")
        self._ticket_key = derive_key(key, "ticket")
        self._workspace_key = derive_key(key, "workspace-session")
        self._used = UsedHere() if used is None else used

    def issue(self, identity: Identity, entry: Entry, now: float) -> str:
        return seal(_claims(identity, now + SESSION_SECONDS) | {"entryName": entry.name}, self._session_key)

    def read(self, value: str, entry: Entry, now: float) -> Session | None:
        claims = _open(self._session_key, value, now)
        return None if claims is None or claims.get("entryName") != entry.name else _session(claims, entry)

    def is_forged(self, value: str, *, workspace: bool) -> bool:
        """Was this value of the session cookie not sealed here, or changed since? One that has expired was."""
        try:
            unseal(value, self._workspace_key if workspace else self._session_key, max_bytes=MAX_COOKIE_BYTES)
        except SealError:
            return True
        return False

    def ticket(self, session: Session, label: str, uid: str, nonce_digest: str, now: float) -> str:
        """A ticket for the workspace origin `label` of the object `uid`, for the browser that holds the nonce."""
        claims = _claims(session.identity, now + TICKET_SECONDS)
        claims |= {"label": label, "uid": uid, "nonce": nonce_digest, "id": secrets.token_hex(12)}
        return seal(claims | {"session": session.expires}, self._ticket_key)

    def redeem(self, ticket: str, label: str, nonce: str, entry: Entry, now: float) -> tuple[Session, str] | None:
        """The session and workspace uid of a ticket, once; None for a second use, another origin or browser."""
        claims = _open(self._ticket_key, ticket, now)
        if claims is None or claims["label"] != label or not nonce:
            return None
        given = str(claims["nonce"]).encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, digest(nonce).encode()):
            return None
        if not self._used.use(claims["id"], claims["exp"], now):
            return None
        session = _session(claims | {"exp": claims["session"]}, entry)
        return None if session is None else (session, str(claims["uid"]))

    def issue_workspace(self, session: Session, uid: str) -> str:
        return seal(_claims(session.identity, session.expires) | {"uid": uid}, self._workspace_key)

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
    return claims_of(replace(identity, entry=None)) | {"exp": expires}


def _session(claims: dict[str, Any], entry: Entry) -> Session | None:
    try:
        return Session(replace(identity_of(claims), source="session", entry=entry), claims["exp"])
    except ValueError:
        return None


def _open(key: bytes, value: str, now: float) -> dict[str, Any] | None:
    """The claims of a sealed value that has not expired."""
    try:
        claims = unseal(value, key, max_bytes=MAX_COOKIE_BYTES)
    except SealError:
        return None
    expires = claims.get("exp")
    return claims if isinstance(expires, int | float) and now <= expires else None
