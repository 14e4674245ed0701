"""Sessions: the signed values a browser carries for a control origin, a one-time ticket and a workspace origin.

A session holds the token it was opened with, hidden, so that it can be asked about again: it lives no longer than that.
Each kind has a key of its own derived from the install's, so that none is ever valid as another. Pure but for the
used tickets (used_tickets.py); a changed install key ends every session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from guildnet.identity import Identity, claims_of, identity_of
from guildnet.signed import SealError, derive_key, seal, unseal
from guildnet.web.entries import Entry
from guildnet_proxy.auth.hidden import hide, reveal
from guildnet_proxy.auth.used_tickets import UsedHere, UsedTickets

SESSION_SECONDS = 12 * 3600
TICKET_SECONDS = 30
NONCE_SECONDS = 600
"""As long as one may take to log in on the way to a workspace."""
MAX_COOKIE_BYTES = 4096
"""What browsers keep of one cookie; a longer value is not one of ours."""
MAX_VALUE_BYTES = MAX_COOKIE_BYTES - 400
"""Of a session: beside it the cookie has its name and attributes."""
MAX_TICKET_BYTES = 8192
MAX_MARKS = 4
"""Marks of one browser that are looked at: more than one, and a page has added to them."""


@dataclass(frozen=True, slots=True)
class CookieNames:
    """The cookie names of one install; the `__Host-` prefix keeps sister origins from tossing them.

    `mark` alone is for the control origin and all its workspaces: it says which session the browser has, and opens
    nothing.
    """

    session: str
    workspace: str
    nonce: str
    mark: str


def cookie_names(install: str) -> CookieNames:
    return CookieNames(
        f"__Host-guildnet-{install}",
        f"__Host-guildnet-ws-{install}",
        f"__Host-guildnet-nonce-{install}",
        f"__Secure-guildnet-mark-{install}",
    )


class TooLong(ValueError):  # noqa: N818  what is wrong is the value's, no program's
    """The token does not fit into a cookie."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who, until when (Unix seconds). `id` is the login's, on every origin; `token` is what it was opened with.

    With a token `identity` is what was known when the session began, and counts while nobody can be asked.
    """

    identity: Identity
    expires: float
    id: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """That a workspace origin asked for a ticket: for its `label`, for the holder of the nonce with this digest.

    `marks` are the ids of the sessions that this browser is marked with; `again` says it was sent back once for that.
    """

    label: str
    nonce: str
    marks: tuple[str, ...]
    again: bool


class Sessions:
    """Issues and reads the three kinds; reading gives None for anything not issued here, expired or for elsewhere."""

    def __init__(self, key: bytes, install: str, used: UsedTickets | None = None) -> None:
        """`used` remembers tickets where others than this process redeem them too."""
        self.names = cookie_names(install)
        self._session_key = derive_key(key, "session")
        self._ticket_key = derive_key(key, "ticket")
        self._workspace_key = derive_key(key, "workspace-session")
        self._start_key = derive_key(key, "ticket-start")
        self._mark_key = derive_key(key, "session-mark")
        self._token_key = derive_key(key, "session-token")
        self._used = UsedHere() if used is None else used

    # ---- the control origin -----------------------------------------------------------------------------------------

    def begin(self, identity: Identity, now: float, token: str = "", token_expires: float = inf) -> Session:
        """A new session, of `token` where it was opened with one."""
        return Session(identity, min(now + SESSION_SECONDS, token_expires), secrets.token_hex(8), token)

    def issue(self, identity: Identity, entry: Entry, now: float) -> str:
        return self.value(self.begin(identity, now), entry)

    def value(self, session: Session, entry: Entry) -> str:
        """What the browser keeps for the control origin. Raises TooLong."""
        return self._sealed(session, {"entryName": entry.name}, self._session_key)

    def read(self, value: str, entry: Entry, now: float) -> Session | None:
        claims = _open(self._session_key, value, now)
        return None if claims is None or claims.get("entryName") != entry.name else self._session(claims, entry)

    def is_forged(self, value: str, *, workspace: bool) -> bool:
        """Was this value of the session cookie not sealed here, or changed since? One that has expired was."""
        try:
            unseal(value, self._workspace_key if workspace else self._session_key, max_bytes=MAX_COOKIE_BYTES)
        except SealError:
            return True
        return False

    # ---- the way to a workspace origin ------------------------------------------------------------------------------

    def mark(self, session: Session) -> str:
        """What marks a browser as the session's, for the workspace origins to see."""
        return seal({"sid": session.id, "exp": session.expires}, self._mark_key)

    def start(self, label: str, nonce: str, marks: Iterable[str], now: float, *, again: bool = False) -> str:
        """That the way to a ticket began on the origin `label`, in the browser with this nonce and these marks."""
        opened = (_open(self._mark_key, mark, now) for mark in list(marks)[:MAX_MARKS])
        ids = [claims["sid"] for claims in opened if claims is not None]
        claims = {"label": label, "nonce": digest(nonce), "marks": ids, "again": again, "exp": now + NONCE_SECONDS}
        return seal(claims, self._start_key)

    def read_start(self, value: str, now: float) -> Start | None:
        claims = _open(self._start_key, value, now)
        if claims is None:
            return None
        return Start(claims["label"], claims["nonce"], tuple(claims["marks"]), claims["again"])

    def ticket(self, session: Session, label: str, uid: str, nonce_digest: str, now: float) -> str:
        """A ticket for the workspace origin `label` of the object `uid`, for the browser that holds the nonce."""
        claims = self._claims(session) | {"exp": now + TICKET_SECONDS, "session": session.expires}
        claims |= {"label": label, "uid": uid, "nonce": nonce_digest, "id": secrets.token_hex(12)}
        return seal(claims, self._ticket_key)

    def redeem(self, ticket: str, label: str, nonce: str, entry: Entry, now: float) -> tuple[Session, str] | None:
        """The session and workspace uid of a ticket, once; None for a second use, another origin or browser."""
        claims = _open(self._ticket_key, ticket, now, MAX_TICKET_BYTES)
        if claims is None or claims["label"] != label or not nonce:
            return None
        given = str(claims["nonce"]).encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, digest(nonce).encode()):
            return None
        if not self._used.use(claims["id"], claims["exp"], now):
            return None
        session = self._session(claims | {"exp": claims["session"]}, entry)
        return None if session is None else (session, str(claims["uid"]))

    def issue_workspace(self, session: Session, uid: str) -> str:
        return self._sealed(session, {"uid": uid}, self._workspace_key)

    def read_workspace(self, value: str, uid: str, entry: Entry, now: float) -> Session | None:
        claims = _open(self._workspace_key, value, now)
        return None if claims is None or claims.get("uid") != uid else self._session(claims, entry)

    # ---- what is in them --------------------------------------------------------------------------------------------

    def _sealed(self, session: Session, more: dict[str, Any], key: bytes) -> str:
        """Groups that do not fit are left out: those that count are the review's of the token."""
        value = seal(self._claims(session) | more, key)
        if len(value) > MAX_VALUE_BYTES and session.identity.groups:
            value = seal(self._claims(session) | {"groups": []} | more, key)
        if len(value) > MAX_VALUE_BYTES:
            raise TooLong("the token is too long to be kept in a cookie")
        return value

    def _claims(self, session: Session) -> dict[str, Any]:
        claims = claims_of(replace(session.identity, entry=None)) | {"exp": session.expires, "sid": session.id}
        return claims | {"token": hide(session.token, self._token_key)} if session.token else claims

    def _session(self, claims: dict[str, Any], entry: Entry) -> Session | None:
        try:
            identity = replace(identity_of(claims), source="session", entry=entry)
            token = reveal(claims["token"], self._token_key) if "token" in claims else ""
            return Session(identity, claims["exp"], claims.get("sid", ""), token)
        except ValueError:
            return None


def digest(nonce: str) -> str:
    """What of a nonce may stand in a URL."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def new_nonce() -> str:
    return secrets.token_urlsafe(24)


def cookie(name: str, value: str, seconds: int, domain: str = "") -> bytes:
    """A Set-Cookie value for one of ours; 0 seconds removes it. Lax: a link from a mail has to find its session."""
    shared = f"; Domain={domain}" if domain else ""
    return f"{name}={value}; Path=/{shared}; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax".encode()


def _open(key: bytes, value: str, now: float, max_bytes: int = MAX_COOKIE_BYTES) -> dict[str, Any] | None:
    """The claims of a sealed value that has not expired."""
    try:
        claims = unseal(value, key, max_bytes=max_bytes)
    except SealError:
        return None
    expires = claims.get("exp")
    return claims if isinstance(expires, int | float) and now <= expires else None
