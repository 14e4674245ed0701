"""Authentication: who sent a request. Tailnet, then bearer token, then session, else anonymous.

`identify` answers at once when it can and otherwise gives an awaitable, so that the hot path never enters a coroutine.
No listener grants anything for merely being reachable.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from ipaddress import ip_address
from math import inf
from typing import Any

from guildnet.errors import GuildNetError
from guildnet.identity import ANONYMOUS, ROLE_ADMIN, Identity
from guildnet.web.entries import Entry
from guildnet_proxy.auth.sessions import Session, Sessions
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.auth.ttl_cache import TtlCache
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.memo import Memo
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Site
from guildnet_proxy.tailnet.localapi import ROLE_CAPABILITY, Peer, roles_of

FORGED_SESSION = "forged-session"
"""The source of an anonymous caller whose session was not sealed here."""
MAX_TOKEN_BYTES = 8192
MAX_REMEMBERED_SESSIONS = 4096
EXPIRY_LEEWAY_SECONDS = 60
"""As much as the API server's own clock may differ."""


def login_required() -> Refusal:
    """401 for a caller nobody vouches for."""
    message = "Log in first: open /login on the control origin, or send a token as `Authorization: Bearer`."
    return Refusal(401, "unauthenticated", message, rule=Rule.ANONYMOUS)


def bearer(head: RequestHead, audience: str) -> str | None:
    """The request's bearer token when it is one for us, else None: any other belongs to the app behind.

    A token for us names our audience; the payload is read without believing it, only to decide whom to ask. It is never
    passed on to a workspace, whatever the review says.
    """
    scheme, _, token = head.get(b"authorization").partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > MAX_TOKEN_BYTES:
        return None
    named = _payload(token).get("aud")
    audiences = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return token.decode() if audience in audiences else None


def _payload(token: bytes) -> dict[str, Any]:
    """What a JWT says, unverified; empty for anything else, however it is made up."""
    parts = token.split(b".")
    if len(parts) != 3 or not token.isascii():
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


class Authenticator:
    """Resolves identities and holds the caches for it.

    `review` asks the API server about a token, `whois` the sidecar about an address; None without a tailnet.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        audience: str,
        admin: str,
        review: Callable[[str], Awaitable[TokenReview]],
        whois: Callable[[str], Awaitable[Peer]] | None,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.sessions = sessions
        self.audience = audience
        self._admin = "system:serviceaccount:" + admin
        self.wall = wall
        self.clock = clock
        self._reviews: TtlCache[str, TokenReview] = TtlCache(
            review, clock=clock, believed=lambda review: review.authenticated
        )
        self._read: Memo[tuple[str, str, str | None], Session] = Memo(MAX_REMEMBERED_SESSIONS)
        self._peers: TtlCache[str, Peer] | None = TtlCache(whois, clock=clock) if whois is not None else None

    async def aclose(self) -> None:
        await self._reviews.aclose()
        if self._peers is not None:
            await self._peers.aclose()

    def identify(
        self, head: RequestHead, listener: Listener, site: Site, workspace_uid: str | None, address: str = ""
    ) -> Identity | Awaitable[Identity]:
        """The caller; `workspace_uid` on a workspace's own origin, whose session is not the control origin's. Where
        a new token is asked about, addresses take turns.

        Raises Refusal (also from the awaitable): 401 for a token for us that is not valid, 403 where tailnet headers
        and whois disagree, 503 where the one who could vouch does not answer.
        """
        if listener.private:
            return self._tailnet(head, site.entry)
        if listener.direct:
            return self._device(site.entry, address)
        token = bearer(head, self.audience) if b"authorization" in head.values else None
        if token is not None:
            return self._by_token(token, site.entry, address)
        return self._session(head, site.entry, workspace_uid)

    def until(
        self, head: RequestHead, listener: Listener, site: Site, workspace_uid: str | None, address: str = ""
    ) -> tuple[float, float]:
        """The last moments at which `identify` gives what it gives now: Unix seconds, and seconds of `clock`."""
        if listener.tailnet:
            said = head.claims.get(b"x-forwarded-for", b"").decode("latin-1") if listener.private else address
            return inf, self._peers.until(said) if self._peers else 0.0
        token = bearer(head, self.audience) if b"authorization" in head.values else None
        if token is not None:
            return inf, self._reviews.until(token)
        session = self._session_of(head, site.entry, workspace_uid)
        return (session.expires, inf) if session is not None else (0.0, 0.0)

    # ---- tailnet ----------------------------------------------------------------------------------------------------

    def _tailnet(self, head: RequestHead, entry: Entry) -> Identity | Awaitable[Identity]:
        address = head.claims.get(b"x-forwarded-for", b"").decode("latin-1")
        try:
            ip_address(address)
        except ValueError:
            message = "The sidecar did not say which device this is."
            raise Refusal(403, "identity_mismatch", message, rule=Rule.IDENTITY_MISMATCH) from None
        if self._peers is None:
            message = "The tailnet sidecar is not configured."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.IDENTITY_UNAVAILABLE)
        peer = self._peers.known(address)
        if peer is None:
            return self._ask_tailnet(head, self._peers, entry, address)
        return tailnet_identity(head, peer, entry)

    def _device(self, entry: Entry, address: str) -> Identity | Awaitable[Identity]:
        """The caller of a connection that the sidecar handed over: its device, whose address is known."""
        if self._peers is None:
            message = "The tailnet sidecar is not configured."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.IDENTITY_UNAVAILABLE)
        peer = self._peers.known(address)
        return self._ask_device(self._peers, entry, address) if peer is None else device_identity(peer, entry)

    async def _ask_device(self, peers: TtlCache[str, Peer], entry: Entry, address: str) -> Identity:
        return device_identity(await self._whois(peers, address), entry)

    async def _whois(self, peers: TtlCache[str, Peer], address: str) -> Peer:
        try:
            return await peers.get(address, address)
        except GuildNetError as error:
            message = "The tailnet sidecar cannot say who this is; try again."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.WHOIS) from error

    async def _ask_tailnet(self, head: RequestHead, peers: TtlCache[str, Peer], entry: Entry, address: str) -> Identity:
        return tailnet_identity(head, await self._whois(peers, address), entry)

    # ---- bearer -----------------------------------------------------------------------------------------------------

    def _by_token(self, token: str, entry: Entry, address: str) -> Identity | Awaitable[Identity]:
        review = self._reviews.known(token)
        if review is None:
            return self.by_token(token, entry, address)
        return self._token_identity(review, entry)

    async def by_token(self, token: str, entry: Entry, address: str = "") -> Identity:
        """The identity a token stands for; raises Refusal 401 or 503. Also what a login exchanges."""
        expires = _payload(token.encode()).get("exp")
        if isinstance(expires, int | float) and expires + EXPIRY_LEEWAY_SECONDS < self.wall():
            return self._token_identity(TokenReview(authenticated=False), entry)
        try:
            review = await self._reviews.get(token, address)
        except GuildNetError as error:
            message = "The cluster cannot be asked about this token just now; try again."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.TOKEN_REVIEW) from error
        return self._token_identity(review, entry)

    def _token_identity(self, review: TokenReview, entry: Entry) -> Identity:
        if not review.authenticated:
            message = (
                "This token is not valid here: it has expired, or was not made for this install. Make a new one with "
                "`kubectl create token NAME --audience guildnet` and log in again."
            )
            raise Refusal(401, "bad_token", message, rule=Rule.TOKEN_REVIEW)
        roles = (ROLE_ADMIN,) if review.username == self._admin else ()
        return Identity("token", review.username, review.username, (), roles, "bearer", entry, review.groups)

    # ---- session ----------------------------------------------------------------------------------------------------

    def _session(self, head: RequestHead, entry: Entry, workspace_uid: str | None) -> Identity:
        value = self._session_cookie(head, workspace_uid)
        if value is None:
            return replace(ANONYMOUS, entry=entry)
        session = self.session_of(value, entry, workspace_uid)
        if session is not None:
            return session.identity
        forged = self.sessions.is_forged(value, workspace=workspace_uid is not None)
        return replace(ANONYMOUS, entry=entry, source=FORGED_SESSION if forged else ANONYMOUS.source)

    def _session_of(self, head: RequestHead, entry: Entry, workspace_uid: str | None) -> Session | None:
        value = self._session_cookie(head, workspace_uid)
        return None if value is None else self.session_of(value, entry, workspace_uid)

    def _session_cookie(self, head: RequestHead, workspace_uid: str | None) -> str | None:
        header = head.values.get(b"cookie")
        names = self.sessions.names
        name = names.session if workspace_uid is None else names.workspace
        if header is None or name.encode() not in header:
            return None
        return cookies.value_of(header.decode("latin-1"), name)

    def session_of(self, value: str, entry: Entry, workspace_uid: str | None) -> Session | None:
        """The session a cookie value stands for; verified once, then remembered while it lasts."""
        now = self.wall()
        key = value, entry.origin, workspace_uid
        session = self._read.get(key)
        if session is None:
            if workspace_uid is None:
                session = self.sessions.read(value, entry, now)
            else:
                session = self.sessions.read_workspace(value, workspace_uid, entry, now)
            if session is not None:
                self._read.put(key, session)
        return session if session is not None and now <= session.expires else None


def tailnet_identity(head: RequestHead, peer: Peer, entry: Entry) -> Identity:
    """The caller by headers and whois, which have to agree; raises Refusal 403. Pure.

    The sidecar sets no user headers for a tagged device: such a one is a node with tags, whatever login whois shows.
    """
    claimed = _decoded(head.claims.get(b"tailscale-user-login", b""))
    granted = head.claims.get(b"tailscale-app-capabilities")
    roles = peer.roles if granted is None else _granted(granted)
    if peer.tags:
        if claimed:
            raise _mismatch()
        return Identity("node", peer.node, peer.node, peer.tags, roles, "tailnet", entry)
    if not claimed or claimed != peer.login:
        raise _mismatch()
    return Identity("user", claimed, peer.display_name or claimed, (), roles, "tailnet", entry)


def device_identity(peer: Peer, entry: Entry) -> Identity:
    """The caller by whois alone; raises Refusal 403 for a device of nobody. Pure."""
    if peer.tags:
        return Identity("node", peer.node, peer.node, peer.tags, peer.roles, "tailnet", entry)
    if not peer.login:
        raise _mismatch()
    return Identity("user", peer.login, peer.display_name or peer.login, (), peer.roles, "tailnet", entry)


def _mismatch() -> Refusal:
    message = "The tailnet's headers and the sidecar do not agree on who this is."
    return Refusal(403, "identity_mismatch", message, rule=Rule.WHOIS)


def _granted(header: bytes) -> tuple[str, ...]:
    try:
        capabilities = json.loads(_decoded(header))
    except (ValueError, RecursionError):
        return ()
    return roles_of(capabilities.get(ROLE_CAPABILITY)) if isinstance(capabilities, dict) else ()


def _decoded(value: bytes) -> str:
    """Serve writes what is not ASCII as RFC 2047 words."""
    text = value.decode("latin-1")
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return text
