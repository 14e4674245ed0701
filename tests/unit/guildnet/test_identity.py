"""The signed identity: what comes back, and that nothing else passes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet import signed
from guildnet.errors import Denied, Invalid
from guildnet.identity import Identity, sign, verify
from guildnet.web.entries import Entry

KEY = b"k" * 32
NOW = 1_790_000_000.0
ENTRY = Entry("tailnet", "https://guildnet.tailtest.example", "port")
ADA = Identity("user", "ada@example.com", "Ada Ł.", ("tag:a",), ("admin",), "tailnet", ENTRY, ("staff",))
HEADER = sign(ADA, KEY, method="GET", path="/api/servers", now=NOW)


def check(
    header: str, *, key: bytes = KEY, method: str = "GET", path: str = "/api/servers", now: float = NOW
) -> Identity:
    return verify(header, key, method=method, path=path, now=now)


def resigned(claims: Any) -> str:
    return signed.seal(claims, KEY)


def test_the_identity_that_was_signed_comes_back() -> None:
    assert check(HEADER) == ADA


def test_the_header_has_the_form_of_the_contract() -> None:
    version, payload, signature = HEADER.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert version == "v1"
    assert len(signature) == 43
    assert claims == {
        "kind": "user",
        "login": "ada@example.com",
        "displayName": "Ada Ł.",
        "tags": ["tag:a"],
        "roles": ["admin"],
        "groups": ["staff"],
        "source": "tailnet",
        "entry": {"name": "tailnet", "origin": "https://guildnet.tailtest.example", "mode": "port"},
        "iat": NOW,
        "method": "GET",
        "path": "/api/servers",
    }
    assert HEADER.isascii()


TEXT = st.text(max_size=20)


@given(
    who=st.builds(
        Identity,
        kind=st.sampled_from(["user", "node", "token", "anonymous"]),
        login=TEXT,
        display_name=TEXT,
        tags=st.lists(TEXT, max_size=3).map(tuple),
        roles=st.lists(TEXT, max_size=3).map(tuple),
        source=TEXT,
        entry=st.none() | st.builds(Entry, TEXT, TEXT, st.sampled_from(["host", "port", "path"])),
        groups=st.lists(TEXT, max_size=3).map(tuple),
    ),
    path=st.text(max_size=50),
    age=st.floats(-5, 60),
)
def test_any_identity_survives_for_its_own_request(who: Identity, path: str, age: float) -> None:
    header = sign(who, KEY, method="POST", path=path, now=NOW)
    assert check(header, method="post", path=path, now=NOW + age) == who


@given(position=st.integers(0, len(HEADER) - 1), bit=st.integers(0, 7))
def test_a_single_flipped_bit_is_refused(position: int, bit: int) -> None:
    raw = bytearray(HEADER.encode())
    raw[position] ^= 1 << bit
    with pytest.raises(Denied):
        check(raw.decode("latin-1"))


@given(st.text(max_size=200))
def test_no_other_text_passes(text: str) -> None:
    with pytest.raises(Denied):
        check(text)


@given(st.binary(min_size=32, max_size=64).filter(lambda key: key != KEY))
def test_another_key_is_refused(key: bytes) -> None:
    with pytest.raises(Denied, match="same key"):
        check(HEADER, key=key)


@given(cut=st.integers(0, len(HEADER) - 1))
def test_a_truncated_header_is_refused(cut: int) -> None:
    with pytest.raises(Denied):
        check(HEADER[:cut])


def test_another_spelling_of_the_same_signature_bytes_is_refused() -> None:
    # 32 bytes leave two unused bits in the last of 43 characters: four spellings decode alike.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(HEADER[-1])
    others = [HEADER[:-1] + alphabet[(last & ~3) | low] for low in range(4) if (last & ~3) | low != last]
    for other in [*others, HEADER + "=", HEADER + "\n", " " + HEADER]:
        with pytest.raises(Denied):
            check(other)


@pytest.mark.parametrize(
    "where",
    [{"method": "POST"}, {"path": "/api/servers/x"}, {"path": "/api/servers/"}, {"path": "/API/servers"}],
    ids=repr,
)
def test_it_is_good_for_one_request_only(where: dict[str, str]) -> None:
    with pytest.raises(Denied, match="another request"):
        check(HEADER, **where)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "good"), [(-5, True), (-5.1, False), (0, True), (60, True), (60.1, False), (1e9, False)]
)
def test_it_is_good_for_sixty_seconds_and_a_skew_of_five(age: float, good: bool) -> None:
    if good:
        assert check(HEADER, now=NOW + age) == ADA
    else:
        with pytest.raises(Denied, match="clocks"):
            check(HEADER, now=NOW + age)


CLAIMS = json.loads(base64.urlsafe_b64decode(HEADER.split(".")[1] + "=="))
MALFORMED: list[Any] = [
    [],
    "x",
    None,
    {},
    {**CLAIMS, "iat": None},
    {**CLAIMS, "iat": True},
    {**CLAIMS, "iat": str(NOW)},
    {**CLAIMS, "iat": float("nan")},
    {**CLAIMS, "iat": float("inf")},
    {**CLAIMS, "kind": "root"},
    {**CLAIMS, "tags": None},
    {**CLAIMS, "entry": "tailnet"},
    {**CLAIMS, "entry": {"name": "x"}},
    {**CLAIMS, "entry": {**CLAIMS["entry"], "mode": "x"}},
    {key: value for key, value in CLAIMS.items() if key != "roles"},
]


@pytest.mark.parametrize("claims", MALFORMED)
def test_even_with_our_key_odd_claims_are_refused(claims: Any) -> None:
    with pytest.raises(Denied):
        check(resigned(claims))


def test_an_enormous_header_is_refused_before_it_is_read() -> None:
    with pytest.raises(Denied, match="malformed"):
        check("v1." + "A" * 1_000_000 + ".x")


def test_a_key_for_one_purpose_signs_nothing_of_another() -> None:
    session, ticket = signed.derive_key(KEY, "session"), signed.derive_key(KEY, "ticket")
    assert len({session, ticket, KEY}) == 3
    with pytest.raises(Denied):
        check(sign(ADA, session, method="GET", path="/api/servers", now=NOW))


def test_a_key_is_read_without_the_white_space_around_it(tmp_path: Any) -> None:
    file = tmp_path / "identity"
    file.write_bytes(KEY + b"\n")
    assert signed.read_key(file) == KEY


@pytest.mark.parametrize("content", [None, b"", b"short", b" " * 64])
def test_a_missing_or_short_key_is_refused(content: bytes | None, tmp_path: Any) -> None:
    file = tmp_path / "identity"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Invalid, match="identity key"):
        signed.read_key(file)


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "port"),
    [
        ("https://guildnet.example", "https", "guildnet.example", 443),
        ("http://guildnet.localhost:8080", "http", "guildnet.localhost", 8080),
        ("http://guildnet.localhost", "http", "guildnet.localhost", 80),
        ("https://[fd7a::1]:444", "https", "fd7a::1", 444),
    ],
)
def test_an_entry_knows_its_parts(origin: str, scheme: str, host: str, port: int) -> None:
    entry = Entry("local", origin, "host")
    assert (entry.scheme, entry.host, entry.port) == (scheme, host, port)
