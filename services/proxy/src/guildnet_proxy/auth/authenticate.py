"""Authentication: who sent a request. Tailnet, or an authenticating proxy; then bearer token, then session, else
anonymous.

`identify` answers at once when it can and otherwise gives an awaitable, so that the hot path never enters a coroutine.
No listener grants anything for merely being reachable. What vouched for a caller is its Credential, about which
`ask_again` asks while something of the caller is open.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_address
from math import inf
from typing import NamedTuple

from guildnet.errors import GuildNetError, NotFound
from guildnet.identity import ANONYMOUS, ROLE_ADMIN, Identity
from guildnet.web.entries import Entry
from guildnet_proxy.auth.bearer import bearer, expiry, token_id
from guildnet_proxy.auth.device import device_identity, tailnet_identity
from guildnet_proxy.auth.ended_sessions import EndedSessions
from guildnet_proxy.auth.identity_proxy import IdentityProxy
from guildnet_proxy.auth.sessions import Session, Sessions
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.auth.ttl_cache import TooMuch, TtlCache
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.memo import Memo
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Site
from guildnet_proxy.tailnet.localapi import Peer

FORGED_SESSION = "forged-session"
"""The source of an anonymous caller whose session was not sealed here."""
MAX_REMEMBERED_SESSIONS = 4096
EXPIRY_LEEWAY_SECONDS = 60
"""As much as the API server's own clock may differ."""
AGAIN = "again"
"""The source of questions about callers of what is open: they take turns with those of every address."""


class Credential(NamedTuple):
    """What vouches for a caller: the `address` of a device, a bearer `token`, a `session`; none of them where an
    authenticating proxy did, which cannot be asked again."""

    entry: Entry
    address: str = ""
    token: str = ""
    session: Session | None = None


def login_required() -> Refusal:
    """401 for a caller nobody vouches for."""
    message = "Log in first: open /login on the control origin, or send a token as `Authorization: Bearer`."
    return Refusal(401, "unauthenticated", message, rule=Rule.ANONYMOUS)


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
        ended: EndedSessions | None = None,
        identity_proxy: IdentityProxy | None = None,
    ) -> None:
        self.sessions = sessions
        self.ended = EndedSessions(None, wall) if ended is None else ended
        self.audience = audience
        self._admin = "system:serviceaccount:" + admin
        self.wall = wall
        self.clock = clock
        self._reviews: TtlCache[str, TokenReview] = TtlCache(
            review, clock=clock, believed=lambda review: review.authenticated
        )
        self._read: Memo[tuple[str, str, str | None], Session] = Memo(MAX_REMEMBERED_SESSIONS)
        self._peers: TtlCache[str, Peer] | None = TtlCache(whois, clock=clock) if whois is not None else None
        self._identity_proxy = identity_proxy
        self._changes = 0

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
        and whois disagree or an authenticating proxy's fields cannot be believed, 503 where the one who could vouch
        does not answer.
        """
        if listener.private:
            return self._tailnet(head, site.entry)
        if listener.direct:
            return self._device(site.entry, address)
        if listener.vouched and (named := self._named(head, site.entry)) is not None:
            return named
        token = bearer(head, self.audience) if b"authorization" in head.values else None
        if token is not None:
            return self._by_token(token, site.entry, address)
        return self._session(head, site.entry, workspace_uid, address)

    def credential(
        self, head: RequestHead, listener: Listener, site: Site, workspace_uid: str | None, address: str = ""
    ) -> Credential | None:
        """What `identify` goes by; None for a caller who shows nothing that could count."""
        entry = site.entry
        if listener.tailnet:
            said = head.claims.get(b"x-forwarded-for", b"").decode("latin-1") if listener.private else address
            return Credential(entry, address=said)
        if listener.vouched and self._named(head, entry) is not None:
            return Credential(entry)
        token = bearer(head, self.audience) if b"authorization" in head.values else None
        if token is not None:
            return Credential(entry, token=token)
        session = self._session_of(head, entry, workspace_uid)
        return None if session is None else Credential(entry, session=session)

    def until(
        self, head: RequestHead, listener: Listener, site: Site, workspace_uid: str | None, address: str = ""
    ) -> tuple[float, float]:
        """The last moments at which `identify` gives what it gives now: Unix seconds, and seconds of `clock`. Before
        them it changes with `version` alone."""
        shown = self.credential(head, listener, site, workspace_uid, address)
        if shown is None:
            return 0.0, 0.0
        if listener.tailnet:
            return inf, self._peers.until(shown.address) if self._peers else 0.0
        if shown == Credential(site.entry):
            return inf, inf
        if shown.session is None:
            return inf, self._reviews.until(shown.token)
        token = shown.session.token
        return shown.session.expires, self._reviews.until(token) if token else inf

    @property
    def version(self) -> int:
        """Grows when somebody who was vouched for is so no more, or as another."""
        return self.ended.version + self._changes

    async def ask_again(self, shown: Credential, known: Identity) -> Identity | None:
        """Who is vouched for by now: `known`, one with other rights, or None for nobody any more. What a device has
        gained since counts with its next request.

        Raises guildnet.errors where nobody can say.
        """
        found = await self._asked_again(shown, known)
        if found != known:
            self._changes += 1
        return found

    async def _asked_again(self, shown: Credential, known: Identity) -> Identity | None:
        if shown.address:
            return await self._device_again(shown, known)
        session, token = shown.session, shown.token
        if session is not None:
            if session.id in self.ended or self.wall() > session.expires:
                return None
            token = session.token
        elif token and self._was_ended(token):
            return None
        if not token:
            return known
        review = await self._reviews.renew(token, AGAIN)
        return self._reviewed(review, shown.entry, known.source) if review.authenticated else None

    async def _device_again(self, shown: Credential, known: Identity) -> Identity | None:
        if self._peers is None:
            return None
        try:
            peer = await self._peers.renew(shown.address, AGAIN)
        except NotFound:
            return None
        roles = tuple(role for role in known.roles if role in peer.roles)
        if known.kind == "node":
            tags = tuple(tag for tag in known.tags if tag in peer.tags)
            return replace(known, tags=tags, roles=roles) if tags and peer.node == known.login else None
        return replace(known, roles=roles) if not peer.tags and peer.login == known.login else None

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
        except NotFound:
            raise Refusal(403, "identity_mismatch", "The tailnet has no such device.", rule=Rule.WHOIS) from None
        except GuildNetError as error:
            message = "The tailnet sidecar cannot say who this is; try again."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.WHOIS) from error

    async def _ask_tailnet(self, head: RequestHead, peers: TtlCache[str, Peer], entry: Entry, address: str) -> Identity:
        return tailnet_identity(head, await self._whois(peers, address), entry)

    def _named(self, head: RequestHead, entry: Entry) -> Identity | None:
        """Whom the authenticating proxy names."""
        return None if self._identity_proxy is None else self._identity_proxy.identity(head, entry)

    # ---- bearer -----------------------------------------------------------------------------------------------------

    def _by_token(self, token: str, entry: Entry, address: str) -> Identity | Awaitable[Identity]:
        review = self._reviews.known(token)
        if review is None or self._was_ended(token):
            return self.by_token(token, entry, address)
        return self._token_identity(review, entry)

    async def by_token(self, token: str, entry: Entry, address: str = "") -> Identity:
        """The identity a token stands for; raises Refusal 401 or 503. Also what a login exchanges."""
        if expiry(token) + EXPIRY_LEEWAY_SECONDS < self.wall() or self._was_ended(token):
            return self._token_identity(TokenReview(authenticated=False), entry)
        try:
            review = await self._reviews.get(token, address)
        except GuildNetError as error:
            message = "The cluster cannot be asked about this token just now; try again."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.TOKEN_REVIEW) from error
        return self._token_identity(review, entry)

    def _was_ended(self, token: str) -> bool:
        """Was it logged out by whoever held it? Where nothing was ended, nothing is worked out."""
        return self.ended.version > 0 and token_id(token) in self.ended

    def _token_identity(self, review: TokenReview, entry: Entry) -> Identity:
        if not review.authenticated:
            message = (
                "This token is not valid here: it has expired, or was not made for this install. Make a new one with "
                "`kubectl create token NAME --audience guildnet` and log in again."
            )
            raise Refusal(401, "bad_token", message, rule=Rule.TOKEN_REVIEW)
        return self._reviewed(review, entry, "bearer")

    def _reviewed(self, review: TokenReview, entry: Entry, source: str) -> Identity:
        roles = (ROLE_ADMIN,) if review.username == self._admin else ()
        return Identity("token", review.username, review.username, (), roles, source, entry, review.groups)

    # ---- session ----------------------------------------------------------------------------------------------------

    def _session(
        self, head: RequestHead, entry: Entry, workspace_uid: str | None, address: str
    ) -> Identity | Awaitable[Identity]:
        value = self._session_cookie(head, workspace_uid)
        if value is None:
            return replace(ANONYMOUS, entry=entry)
        session = self.session_of(value, entry, workspace_uid)
        if session is None:
            forged = self.sessions.is_forged(value, workspace=workspace_uid is not None)
            return replace(ANONYMOUS, entry=entry, source=FORGED_SESSION if forged else ANONYMOUS.source)
        if not session.token:
            return session.identity
        review = self._reviews.known(session.token)
        return self._by_session(session, entry, address) if review is None else self._of_session(review, entry)

    async def _by_session(self, session: Session, entry: Entry, address: str) -> Identity:
        """Who its token stands for by now; while nobody can say that, who it was."""
        who = session.identity
        try:
            believed = TokenReview(authenticated=True, username=who.login, groups=who.groups)
            review = await self._reviews.get(session.token, address, believed)
        except TooMuch as error:
            message = "Too much is being asked just now; try again."
            raise Refusal(503, "identity_unavailable", message, rule=Rule.TOKEN_REVIEW) from error
        return self._of_session(review, entry)

    def _of_session(self, review: TokenReview, entry: Entry) -> Identity:
        """A session ends with its token."""
        return self._reviewed(review, entry, "session") if review.authenticated else replace(ANONYMOUS, entry=entry)

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
        """The session a cookie value stands for, unless it was ended; verified once, then remembered while it lasts."""
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
        lasts = session is not None and now <= session.expires and session.id not in self.ended
        return session if lasts else None
