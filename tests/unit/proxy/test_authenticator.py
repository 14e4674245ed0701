"""Which source is asked who a caller is, in which order, and every refusal in its words."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import secrets
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from guildnet.errors import NotFound, Unreachable
from guildnet.identity import ANONYMOUS, Identity, claims_of
from guildnet.signed import derive_key, seal
from guildnet.web.entries import Entry
from guildnet_proxy.auth import authenticate
from guildnet_proxy.auth.authenticate import Authenticator, Credential, login_required
from guildnet_proxy.auth.bearer import bearer
from guildnet_proxy.auth.hidden import hide, reveal
from guildnet_proxy.auth.sessions import (
    MAX_COOKIE_BYTES,
    NONCE_SECONDS,
    SESSION_SECONDS,
    TICKET_SECONDS,
    Session,
    Sessions,
    TooLong,
    cookie,
    cookie_names,
    digest,
    new_nonce,
)
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.auth.ttl_cache import RENEW_SECONDS, STALE_SECONDS, TTL_SECONDS, TooMuch
from guildnet_proxy.auth.used_tickets import UsedHere
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.sites import Site
from guildnet_proxy.tailnet.localapi import Peer
from unit.proxy.values import CONTROL, LOCAL, TAILNET, head

TCP, PRIVATE = Listener("tcp", private=False), Listener("tailnet", private=True)
DIRECT = Listener("device", private=False, direct=True)
SITE = Site(TAILNET, b"g.ts.example", TAILNET.origin)
ANN = Identity("user", "ann@x", "Ann", (), ("admin",), "bearer", LOCAL, ("g",))
KEY = b"k" * 32


def jwt(payload: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


OURS = jwt({"aud": ["guildnet"]})


class Sources:
    """An authenticator whose token reviews, peers and clock are played."""

    def __init__(self, *, tailnet: bool = True) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.reviews: dict[str, TokenReview] = {OURS: TokenReview(authenticated=True, username="bot", groups=("g",))}
        self.peers = {"100.64.0.7": Peer("laptop", "ann@x", "Ann", (), ("viewer",))}
        self.sessions = Sessions(KEY, "install")
        self.made = Authenticator(
            self.sessions, audience="guildnet", admin="guildnet:guildnet-admin", review=self._review,
            whois=self._whois if tailnet else None, clock=lambda: self.now, wall=lambda: self.now,
        )  # fmt: skip

    async def _review(self, token: str) -> TokenReview:
        self.asked.append(token)
        if token not in self.reviews:
            raise Unreachable("no API server")
        return self.reviews[token]

    async def _whois(self, address: str) -> Peer:
        self.asked.append(address)
        if address not in self.peers:
            raise Unreachable("no sidecar")
        return self.peers[address]

    async def who(
        self, *lines: str, listener: Listener = TCP, site: Site = CONTROL, uid: str | None = None
    ) -> Identity:
        found = self.made.identify(head(*lines), listener, site, uid)
        return await found if inspect.isawaitable(found) else found

    async def refused(self, *lines: str, listener: Listener = TCP) -> str:
        with pytest.raises(Refusal) as error:
            await self.who(*lines, listener=listener, site=SITE)
        return f"{error.value.status} {error.value.code} {error.value.rule} {error.value.message}"

    def cookie(self, identity: Identity = ANN, entry: Entry = LOCAL) -> str:
        return f"Cookie: {self.sessions.names.session}={self.sessions.issue(identity, entry, self.now)}"


NOBODY = replace(ANONYMOUS, entry=LOCAL)
FROM_ANN = ("X-Forwarded-For: 100.64.0.7", "Tailscale-User-Login: ann@x")


async def test_whoever_shows_nothing_is_anonymous_and_nobody_is_asked() -> None:
    sources = Sources()
    for lines in ((), ("Cookie: a=1",), FROM_ANN, ("Authorization: Bearer other",), ("Authorization: Basic eA==",)):
        assert await sources.who(*lines) == NOBODY
    assert sources.asked == []


async def test_on_the_private_listener_the_device_counts_and_nothing_else() -> None:
    sources = Sources()
    lines = (*FROM_ANN, sources.cookie(), f"Authorization: Bearer {OURS}")
    ann = Identity("user", "ann@x", "Ann", (), ("viewer",), "tailnet", TAILNET)
    assert await sources.who(*lines, listener=PRIVATE, site=SITE) == ann
    again = sources.made.identify(head(*lines), PRIVATE, SITE, None)
    assert again == ann, "what is known is answered without waiting"
    assert sources.asked == ["100.64.0.7"]


async def test_a_device_without_a_name_to_show_is_shown_by_its_login() -> None:
    sources = Sources()
    sources.peers["100.64.0.7"] = Peer("laptop", "ann@x", "", (), ())
    assert (await sources.who(*FROM_ANN, listener=PRIVATE, site=SITE)).display_name == "ann@x"


async def test_a_tagged_device_is_a_node() -> None:
    sources = Sources()
    sources.peers["100.64.0.7"] = Peer("bot", "", "", ("tag:ci",), ("r",))
    found = await sources.who("X-Forwarded-For: 100.64.0.7", listener=PRIVATE, site=SITE)
    assert found == Identity("node", "bot", "bot", ("tag:ci",), ("r",), "tailnet", TAILNET)


DISAGREE = "403 identity_mismatch whois The tailnet's headers and the sidecar do not agree on who this is."
WHO_IS_IT = "403 identity_mismatch identity_mismatch The sidecar did not say which device this is."
NO_SIDECAR = "503 identity_unavailable identity_unavailable The tailnet sidecar is not configured."
CANNOT_SAY = "503 identity_unavailable whois The tailnet sidecar cannot say who this is; try again."


async def test_refusals_of_the_private_listener() -> None:
    sources = Sources()
    assert await sources.refused(listener=PRIVATE) == WHO_IS_IT
    assert await sources.refused("X-Forwarded-For: a-name", listener=PRIVATE) == WHO_IS_IT
    assert await sources.refused("X-Forwarded-For: 100.64.0.8", listener=PRIVATE) == CANNOT_SAY
    assert await sources.refused("X-Forwarded-For: 100.64.0.7", listener=PRIVATE) == DISAGREE
    assert await Sources(tailnet=False).refused(*FROM_ANN, listener=PRIVATE) == NO_SIDECAR


async def test_a_connection_that_the_sidecar_handed_over_is_its_devices_whatever_its_headers_say() -> None:
    sources = Sources()
    said = head("X-Forwarded-For: 100.64.0.8", "Tailscale-User-Login: bob@x")
    ann = Identity("user", "ann@x", "Ann", (), ("viewer",), "tailnet", TAILNET)
    asking = sources.made.identify(said, DIRECT, SITE, None, "100.64.0.7")
    assert inspect.isawaitable(asking)
    assert await asking == ann
    assert sources.made.identify(said, DIRECT, SITE, None, "100.64.0.7") == ann, "what is known is answered at once"
    assert sources.asked == ["100.64.0.7"]
    with pytest.raises(Refusal) as error:
        Sources(tailnet=False).made.identify(said, DIRECT, SITE, None, "100.64.0.7")
    refusal = error.value
    assert f"{refusal.status} {refusal.code} {refusal.rule} {refusal.message}" == NO_SIDECAR


def test_what_vouches_for_a_device_is_its_address_as_the_listener_has_it() -> None:
    made, said = Sources().made, head("X-Forwarded-For: 100.64.0.8")
    assert made.credential(said, PRIVATE, SITE, None, "100.64.0.7") == Credential(TAILNET, address="100.64.0.8")
    assert made.credential(said, DIRECT, SITE, None, "100.64.0.7") == Credential(TAILNET, address="100.64.0.7")
    assert made.credential(head(), PRIVATE, SITE, None, "100.64.0.7") == Credential(TAILNET)


async def test_a_token_for_us_goes_before_a_session_and_is_asked_about_once() -> None:
    sources = Sources()
    lines = (f"Authorization: Bearer {OURS}", sources.cookie())
    bot = Identity("token", "bot", "bot", (), (), "bearer", LOCAL, ("g",))
    assert await sources.who(*lines) == bot
    assert sources.made.identify(head(*lines), TCP, CONTROL, None) == bot
    assert sources.asked == [OURS]
    assert await sources.made.by_token(OURS, TAILNET) == replace(bot, entry=TAILNET)


async def test_a_token_for_another_goes_by_and_the_session_counts() -> None:
    sources = Sources()
    found = await sources.who(f"Authorization: Bearer {jwt({'aud': 'other'})}", sources.cookie())
    assert (found.login, found.source) == ("ann@x", "session")


async def test_refusals_of_tokens() -> None:
    sources = Sources()
    sources.reviews[OURS] = TokenReview(authenticated=False)
    other = jwt({"aud": "guildnet", "x": 1})
    assert await sources.refused(f"Authorization: Bearer {OURS}") == (
        "401 bad_token token-review This token is not valid here: it has expired, or was not made for this install. "
        "Make a new one with `kubectl create token NAME --audience guildnet` and log in again."
    )
    assert await sources.refused(f"Authorization: Bearer {other}") == (
        "503 identity_unavailable token-review The cluster cannot be asked about this token just now; try again."
    )


def test_the_size_of_a_token_is_bounded() -> None:
    def padded(size: int) -> str:
        fill = "s" * (size - len(OURS.removesuffix("c2ln")))
        return OURS.removesuffix("c2ln") + fill

    assert bearer(head(f"Authorization: Bearer {padded(8192)}"), "guildnet") == padded(8192)
    assert bearer(head(f"Authorization: Bearer {padded(8193)}"), "guildnet") is None
    assert bearer(head(), "guildnet") is None
    for text in (f"Bearer {OURS}.x", f"Bearer {OURS.rpartition('.')[0]}", "Bearer a.!!!.c", "Bearer a.eA.c"):
        assert bearer(head(f"Authorization: {text}"), "guildnet") is None
    for size in range(4):
        named = jwt({"aud": "guildnet", "x": "y" * size})
        assert bearer(head(f"Authorization: Bearer {named}"), "guildnet") == named, "whatever its padding"


async def test_a_session_counts_on_its_origin_and_while_it_lasts() -> None:
    sources = Sources()
    mine = sources.cookie()
    found = await sources.who(mine)
    assert found == replace(ANN, source="session", entry=LOCAL)
    assert (await sources.who(mine, uid="u")) == NOBODY, "a workspace's own origin has a session of its own"
    session = Session(ANN, sources.now + 100)
    own = f"Cookie: {sources.sessions.names.workspace}={sources.sessions.issue_workspace(session, 'u')}"
    assert (await sources.who(own, uid="u")).login == "ann@x"
    assert await sources.who(own, uid="v") == NOBODY
    assert await sources.who(own) == NOBODY
    assert await sources.who(mine, mine.removeprefix("Cookie: ").join(("Cookie: ", ""))) == NOBODY, "twice is none"
    forged = replace(NOBODY, source="forged-session")
    for name, uid in ((sources.sessions.names.session, None), (sources.sessions.names.workspace, "u")):
        assert await sources.who(f"Cookie: {name}=made-up", uid=uid) == forged
    another = Sessions(b"x" * 32, "install").issue(ANN, LOCAL, sources.now)
    assert await sources.who(f"Cookie: {sources.sessions.names.session}={another}") == forged
    sources.now += 100
    assert (await sources.who(own, uid="u")).login == "ann@x"
    sources.now += 1
    assert await sources.who(own, uid="u") == NOBODY
    sources.now = 1000.0 + 12 * 3600
    assert (await sources.who(mine)).login == "ann@x"
    sources.now += 1
    assert await sources.who(mine) == NOBODY


async def test_sessions_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticate, "MAX_REMEMBERED_SESSIONS", 4)
    sources = Sources()
    read: list[str] = []
    real = sources.sessions.read

    def counted(value: str, *rest: Any) -> Any:
        read.append(value)
        return real(value, *rest)

    monkeypatch.setattr(sources.sessions, "read", counted)
    values = [sources.sessions.issue(replace(ANN, login=f"{number}@x"), LOCAL, sources.now) for number in range(5)]
    for value in (*values[:2], *values[:2]):
        assert sources.made.session_of(value, LOCAL, None) is not None
    assert read == values[:2], "each is verified once"
    for value in (values[2], values[0], values[3], values[0], values[4], values[0]):
        assert sources.made.session_of(value, LOCAL, None) is not None
    assert read == values, "who comes again is remembered, whoever comes in between"
    assert sources.made.session_of(values[1], LOCAL, None) is not None
    assert read == [*values, values[1]], "who does not is not"
    assert sources.made.session_of(values[0], TAILNET, None) is None, "it is one entry's"


async def test_how_long_an_answer_holds() -> None:
    sources = Sources()
    until = sources.made.until
    value = sources.sessions.issue(ANN, LOCAL, sources.now)
    by_cookie = head(f"Cookie: {sources.sessions.names.session}={value}")
    assert until(by_cookie, TCP, CONTROL, None) == (sources.now + SESSION_SECONDS, inf)
    assert until(head(), TCP, CONTROL, None) == (0.0, 0.0), "of nobody nothing holds"
    by_token, by_device = head(f"Authorization: Bearer {OURS}"), head("X-Forwarded-For: 100.64.0.7")
    for given, listener in ((by_token, TCP), (by_device, PRIVATE)):
        assert until(given, listener, SITE, None) == (inf, 0.0), "nobody was asked yet"
    await sources.made.by_token(OURS, LOCAL)
    assert until(by_token, TCP, CONTROL, None) == (inf, sources.now + TTL_SECONDS)
    assert until(by_device, PRIVATE, SITE, None) == (inf, 0.0)


async def test_after_its_end_nothing_is_asked() -> None:
    await Sources().made.aclose()
    await Sources(tailnet=False).made.aclose()


def test_who_shows_nothing_is_told_how_to_log_in() -> None:
    refusal = login_required()
    assert (refusal.status, refusal.code, refusal.rule) == (401, "unauthenticated", "anonymous")
    assert refusal.message == (
        "Log in first: open /login on the control origin, or send a token as `Authorization: Bearer`."
    )


# ---- cookies and nonces of sessions ---------------------------------------------------------------------------------


def test_the_cookies_of_an_install_are_its_own_and_hosts_only() -> None:
    names = cookie_names("lab")
    assert (names.session, names.workspace, names.nonce) == (
        "__Host-guildnet-lab", "__Host-guildnet-ws-lab", "__Host-guildnet-nonce-lab",
    )  # fmt: skip
    assert cookie("n", "v", 5) == b"n=v; Path=/; Max-Age=5; Secure; HttpOnly; SameSite=Lax"


def test_a_nonce_cannot_be_guessed() -> None:
    assert len({new_nonce() for _ in range(100)}) == 100
    assert len(base64.urlsafe_b64decode(new_nonce())) == 24


def test_a_ticket_counts_once_also_in_its_last_second_and_is_not_remembered_for_ever() -> None:
    made = Sessions(KEY, "install")
    session = Session(ANN, 2000.0)
    first, second, third = (made.ticket(session, "ws", "u", digest("n"), at) for at in (1000.0, 1000.0, 1100.0))
    assert made.redeem(first, "ws", "n", LOCAL, 1030.0) is not None
    assert made.redeem(second, "ws", "n", LOCAL, 1030.0) is not None
    assert made.redeem(first, "ws", "n", LOCAL, 1030.0) is None
    here = made._used
    assert isinstance(here, UsedHere)
    assert len(here._used) == 2
    assert made.redeem(third, "ws", "n", LOCAL, 1100.0) is not None
    assert len(here._used) == 1


def test_a_ticket_without_a_nonce_is_none() -> None:
    made = Sessions(KEY, "install")
    ticket = made.ticket(Session(ANN, 2000.0), "ws", "u", digest(""), 1000.0)
    assert made.redeem(ticket, "ws", "", LOCAL, 1000.0) is None


def test_what_a_redeemed_ticket_gives() -> None:
    made = Sessions(KEY, "install")
    redeemed = made.redeem(
        made.ticket(Session(ANN, 2000.0), "ws", "u", digest("n"), 1000.0), "ws", "n", TAILNET, 1000.0
    )
    assert redeemed == (Session(replace(ANN, source="session", entry=TAILNET), 2000.0), "u")


def test_claims_of_ours_that_are_not_whole_are_no_session() -> None:
    made = Sessions(KEY, "install")
    for name, purpose in (("session", "session"), ("workspace", "workspace-session"), ("ticket", "ticket")):
        assert getattr(made, f"_{name}_key") == derive_key(KEY, purpose), "another one ends every session"
    whole = {**claims_of(replace(ANN, entry=None)), "entryName": LOCAL.name, "uid": "u", "exp": 1000.0}
    for claims, good in (
        (whole, True), ({**whole, "kind": "root"}, False), ({**whole, "exp": None}, False),
        ({**whole, "exp": "x"}, False),
        ({key: value for key, value in whole.items() if key != "exp"}, False), ({**whole, "exp": 999.9}, False),
    ):  # fmt: skip
        assert (made.read(seal(claims, made._session_key), LOCAL, 1000.0) is not None) is good
        assert (made.read_workspace(seal(claims, made._workspace_key), "u", LOCAL, 1000.0) is not None) is good


def test_a_session_fits_into_a_cookie_however_many_groups_there_are() -> None:
    made = Sessions(KEY, "i")
    many = tuple(f"a-group-with-a-long-name-{number:05}" for number in range(500))
    session = made.begin(replace(ANN, groups=many), 1000.0, "a.token.c")
    value = made.value(session, LOCAL)
    assert len(cookie(made.names.session, value, SESSION_SECONDS)) <= MAX_COOKIE_BYTES
    found = made.read(value, LOCAL, 1000.0)
    assert found is not None
    assert (found.token, found.identity.groups, found.identity.roles) == ("a.token.c", (), ("admin",))
    own = made.read_workspace(made.issue_workspace(session, "u"), "u", LOCAL, 1000.0)
    assert own is not None
    assert (own.id, own.token) == (session.id, "a.token.c")
    long = "".join(secrets.token_hex(1) for _ in range(4000))
    with pytest.raises(TooLong):
        made.value(made.begin(ANN, 1000.0, long), LOCAL)
    assert made.read("v1." + "A" * MAX_COOKIE_BYTES + ".x", LOCAL, 1000.0) is None
    assert (MAX_COOKIE_BYTES, SESSION_SECONDS, TICKET_SECONDS, NONCE_SECONDS) == (4096, 43200, 30, 600)


def test_a_session_hides_its_token_and_ends_with_it() -> None:
    made = Sessions(KEY, "i")
    parts = ("h" * 40, "p" * 40, "s" * 40)  # too long to turn up by chance among ids and what is hidden
    session = made.begin(ANN, 1000.0, ".".join(parts), 1600.0)
    assert session.expires == 1600.0
    for value in (
        made.value(session, LOCAL), made.issue_workspace(session, "u"),
        made.ticket(session, "ws", "u", digest("n"), 1000.0),
    ):  # fmt: skip
        payload = base64.urlsafe_b64decode(value.split(".")[1] + "==")
        assert all(part.encode() not in payload for part in parts), "nobody reads it there"
    assert made.read(made.value(session, LOCAL), LOCAL, 1600.1) is None


def test_what_is_hidden_is_revealed_to_its_key_alone() -> None:
    for text in ("", "x", OURS, "ü" * 5000):
        assert reveal(hide(text, KEY), KEY) == text
        assert hide(text, KEY) != hide(text, KEY)
    for wrong in (hide("text", b"x" * 32), "", "AAAA", "!", hide("text", KEY)[:-8]):
        with pytest.raises(ValueError, match=r"."):
            reveal(wrong, KEY)


async def test_a_session_is_who_its_token_is_by_now() -> None:
    sources = Sources()
    session = sources.sessions.begin(Identity("token", "bot", "bot", (), (), "bearer", LOCAL), sources.now, OURS)
    mine = f"Cookie: {sources.sessions.names.session}={sources.sessions.value(session, LOCAL)}"
    bot = Identity("token", "bot", "bot", (), (), "session", LOCAL, ("g",))
    assert await sources.who(mine) == bot
    assert sources.made.identify(head(mine), TCP, CONTROL, None) == bot, "what is known is answered without waiting"
    assert sources.made.until(head(mine), TCP, CONTROL, None) == (session.expires, sources.now + TTL_SECONDS)
    sources.reviews[OURS] = TokenReview(authenticated=True, username="bot", groups=("other",))
    sources.now += TTL_SECONDS + 1
    assert (await sources.who(mine)).groups == ("other",)
    del sources.reviews[OURS]
    sources.now += TTL_SECONDS + 1
    assert (await sources.who(mine)).groups == ("other",), "while nobody can say it is who it was last"
    sources.now += 10 * STALE_SECONDS
    assert (await sources.who(mine)).groups == (), "and then who it was at the login"
    sources.reviews[OURS] = TokenReview(authenticated=False)
    sources.now += TTL_SECONDS + 1
    assert await sources.who(mine) == NOBODY


async def test_a_session_whose_token_there_is_no_time_to_ask_about_is_told_so(monkeypatch) -> None:
    sources = Sources()
    session = sources.sessions.begin(Identity("token", "bot", "bot", (), (), "bearer", LOCAL), sources.now, OURS)

    async def too_much(*_: Any) -> TokenReview:
        raise TooMuch("more is being asked than waits its turn")

    monkeypatch.setattr(sources.made._reviews, "get", too_much)
    told = await sources.refused(f"Cookie: {sources.sessions.names.session}={sources.sessions.value(session, TAILNET)}")
    assert told == "503 identity_unavailable token-review Too much is being asked just now; try again."


async def test_a_token_is_believed_for_a_minute_of_an_outage() -> None:
    sources = Sources()
    line = f"Authorization: Bearer {OURS}"
    await sources.who(line)
    del sources.reviews[OURS]
    sources.now += TTL_SECONDS + 1
    assert (await sources.who(line)).login == "bot"
    sources.now += STALE_SECONDS
    assert (await sources.refused(line)).startswith("503 identity_unavailable token-review")


async def test_a_device_that_left_is_refused_and_its_last_answer_counts_no_more(monkeypatch) -> None:
    sources = Sources()
    await sources.who(*FROM_ANN, listener=PRIVATE, site=SITE)

    async def gone(_: str) -> Peer:
        raise NotFound("no match")

    monkeypatch.setattr(sources.made._peers, "_ask", gone)
    sources.now += TTL_SECONDS + 1
    refused = await sources.refused(*FROM_ANN, listener=PRIVATE)
    assert refused == "403 identity_mismatch whois The tailnet has no such device."
    ann = Identity("user", "ann@x", "Ann", (), ("viewer",), "tailnet", TAILNET)
    assert await sources.made.ask_again(Credential(TAILNET, address="100.64.0.7"), ann) is None


async def test_a_session_that_has_ended_is_nobodys() -> None:
    sources = Sources()
    session = sources.sessions.begin(ANN, sources.now)
    control = f"Cookie: {sources.sessions.names.session}={sources.sessions.value(session, LOCAL)}"
    own = f"Cookie: {sources.sessions.names.workspace}={sources.sessions.issue_workspace(session, 'u')}"
    assert (await sources.who(control)).login == (await sources.who(own, uid="u")).login == "ann@x"
    before = sources.made.version
    sources.made.ended.end(session.id, session.expires)
    assert sources.made.version > before, "what was remembered of it counts no more"
    assert (await sources.who(control), await sources.who(own, uid="u")) == (NOBODY, NOBODY)


async def test_who_is_asked_again_about() -> None:
    sources = Sources()
    made = sources.made
    session = sources.sessions.begin(ANN, sources.now, OURS)
    bot = await made.by_token(OURS, LOCAL)
    by_session, by_token = Credential(LOCAL, session=session), Credential(LOCAL, token=OURS)
    same = replace(bot, source="session")
    assert (await made.ask_again(by_token, bot), await made.ask_again(by_session, same)) == (bot, same)
    assert made.version == 0
    sources.reviews[OURS] = TokenReview(authenticated=False)
    sources.now += RENEW_SECONDS
    assert (await made.ask_again(by_token, bot), await made.ask_again(by_session, same)) == (None, None)
    assert made.version == 2
    del sources.reviews[OURS]
    with pytest.raises(Unreachable):
        await made.ask_again(by_token, bot)
    device = Credential(TAILNET, address="100.64.0.7")
    ann = await sources.who(*FROM_ANN, listener=PRIVATE, site=SITE)
    assert await made.ask_again(device, ann) == ann
    sources.now += RENEW_SECONDS
    sources.peers["100.64.0.7"] = Peer("laptop", "ann@x", "Ann", (), ("other",))
    assert await made.ask_again(device, ann) == replace(ann, roles=()), "a role is lost; another counts from now on"
    sources.now += RENEW_SECONDS
    sources.peers["100.64.0.7"] = Peer("laptop", "bob@x", "Bob", (), ("viewer",))
    assert await made.ask_again(device, ann) is None
    sources.peers["100.64.0.7"] = Peer("bot", "", "", ("tag:ci", "tag:x"), ("r",))
    sources.now += RENEW_SECONDS
    node = Identity("node", "bot", "bot", ("tag:ci",), ("r",), "tailnet", TAILNET)
    assert await made.ask_again(device, node) == node
    assert await made.ask_again(device, replace(node, tags=("tag:y",))) is None


async def test_what_is_still_being_asked_is_not_waited_for() -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def ask(_: str) -> Any:
        begun.set()
        await never.wait()

    made = Authenticator(
        Sessions(KEY, "i"), audience="guildnet", admin="a:b", review=ask, whois=ask, clock=lambda: 0.0, wall=lambda: 0.0
    )
    for asking in (made.by_token(OURS, LOCAL), made.identify(head(*FROM_ANN), PRIVATE, SITE, None)):
        begun.clear()
        assert inspect.isawaitable(asking)
        task = asyncio.ensure_future(asking)
        await begun.wait()
        await made.aclose()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("written", "read"),
    [("=?utf-8?q?ann=40x?=", "ann@x"), ("=?nope?q?ann=40x?=", "=?nope?q?ann=40x?="), ("ann@x", "ann@x")],
)  # fmt: skip
async def test_a_login_as_the_sidecar_writes_it(written: str, read: str) -> None:
    sources = Sources()
    sources.peers["100.64.0.7"] = Peer("laptop", read, "", (), ())
    lines = ("X-Forwarded-For: 100.64.0.7", f"Tailscale-User-Login: {written}")
    assert (await sources.who(*lines, listener=PRIVATE, site=SITE)).login == read
