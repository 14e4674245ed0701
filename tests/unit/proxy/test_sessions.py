"""What a browser carries of a session, from the control origin to a workspace's, and what none of it passes for."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from guildnet.identity import Identity, claims_of
from guildnet.signed import derive_key, seal, unseal
from guildnet_proxy.auth.sessions import (
    MAX_COOKIE_BYTES,
    MAX_MARKS,
    MAX_VALUE_BYTES,
    NONCE_SECONDS,
    Session,
    Sessions,
    Start,
    TooLong,
    cookie,
    digest,
)
from unit.proxy.values import LOCAL

ANN = Identity("user", "ann@x", "Ann", (), ("admin",), "bearer", LOCAL, ("g",))
KEY = b"k" * 32
NOW = 1000.0


def sessions() -> Sessions:
    return Sessions(KEY, "install")


def test_each_kind_has_a_key_of_its_own_by_a_name_that_stays() -> None:
    """Two replicas of different versions read each other's."""
    made = sessions()
    session = made.begin(ANN, NOW)
    values = {
        "session": made.value(session, LOCAL),
        "workspace-session": made.issue_workspace(session, "u"),
        "ticket": made.ticket(session, "ws", "u", digest("n"), NOW),
        "ticket-start": made.start("ws", "n", (), NOW),
        "session-mark": made.mark(session),
    }
    for purpose, value in values.items():
        assert unseal(value, derive_key(KEY, purpose), max_bytes=8192)["exp"] > NOW


def test_logins_are_told_apart() -> None:
    ids = {sessions().begin(ANN, NOW).id for _ in range(100)}
    assert {len(one) for one in ids} == {16}
    assert len(ids) == 100


def test_a_start_says_what_it_was_begun_for_until_a_login_takes_too_long() -> None:
    made = sessions()
    session = made.begin(ANN, NOW)
    begun = made.start("ws", "n", [made.mark(session)], NOW)
    assert made.read_start(begun, NOW + NONCE_SECONDS) == Start("ws", digest("n"), (session.id,), again=False)
    assert made.read_start(begun, NOW + NONCE_SECONDS + 1) is None
    assert made.read_start("made-up", NOW) is None
    again = made.read_start(made.start("ws", "n", (), NOW, again=True), NOW)
    assert again == Start("ws", digest("n"), (), again=True)


def test_few_marks_are_looked_at_and_none_counts_that_has_ended_or_is_not_ours() -> None:
    made = sessions()
    begun = [made.begin(ANN, NOW) for _ in range(MAX_MARKS + 2)]

    def marks(*given: str, at: float = NOW) -> tuple[str, ...]:
        found = made.read_start(made.start("ws", "n", given, at), at)
        assert found is not None
        return found.marks

    assert marks(*map(made.mark, begun)) == tuple(session.id for session in begun[:MAX_MARKS])
    assert marks("made-up", made.value(begun[0], LOCAL), made.mark(begun[1])) == (begun[1].id,)
    mine = made.mark(begun[0])
    assert marks(mine, at=begun[0].expires) == (begun[0].id,)
    assert marks(mine, at=begun[0].expires + 1) == ()


def test_a_ticket_for_a_nonce_that_is_no_text_is_nobodys() -> None:
    made = sessions()
    ticket = made.ticket(made.begin(ANN, NOW), "ws", "u", "\ud800", NOW)
    assert made.redeem(ticket, "ws", "n", LOCAL, NOW) is None


def test_a_session_without_the_id_of_its_login_has_none() -> None:
    made = sessions()
    claims = {**claims_of(replace(ANN, entry=None)), "entryName": LOCAL.name, "exp": NOW}
    found = made.read(seal(claims, derive_key(KEY, "session")), LOCAL, NOW)
    assert found is not None
    assert found.id == ""


def test_a_token_that_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(TooLong, match=r"^the token is too long to be kept in a cookie$"):
        sessions().value(Session(ANN, NOW + 1, "id", secrets.token_hex(MAX_COOKIE_BYTES)), LOCAL)


def test_a_cookie_of_several_origins_names_their_domain() -> None:
    assert cookie("n", "v", 5, "example.com") == (
        b"n=v; Path=/; Domain=example.com; Max-Age=5; Secure; HttpOnly; SameSite=Lax"
    )


def test_the_bounds_of_what_a_browser_is_given() -> None:
    assert (MAX_COOKIE_BYTES, MAX_VALUE_BYTES, MAX_MARKS) == (4096, 3696, 4)
