"""Sealed values: what was signed comes back, anything else is refused."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guildnet.signed import SealError, derive_key, seal, unseal

KEY = b"k" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_what_is_sealed_comes_back_and_is_safe_in_a_header(claims: dict[str, object]) -> None:
    text = seal(claims, KEY)
    assert text.isascii()
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert unseal(text, KEY, max_bytes=len(text)) == claims


@example({"\x7f": None})
@given(st.dictionaries(st.text(max_size=10), JSON, max_size=5) | st.just({"a": "\ud83d"}) | st.just({"\udc80": 1}))
def test_the_bytes_are_those_of_plain_ascii_json(claims: dict[str, object]) -> None:
    payload = seal(claims, KEY).split(".")[1]
    plain = json.dumps(claims, separators=(",", ":"), ensure_ascii=True).encode()
    assert base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)) == plain


@pytest.mark.parametrize("text", ["\ud83d", "a\udc80b", "ü", "\U0001f600"], ids=ascii)
def test_any_text_a_header_can_hold_comes_back(text: str) -> None:
    assert unseal(seal({"who": text}, KEY), KEY, max_bytes=4096) == {"who": text}


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_no_changed_character_passes(at: int, other: str) -> None:
    text = seal({"who": "ada", "exp": 5}, KEY)
    at %= len(text)
    if text[at] != other:
        with pytest.raises(SealError):
            unseal(text[:at] + other + text[at + 1 :], KEY, max_bytes=4096)


@pytest.mark.parametrize("text", ["", ".", "..", "v1", "v1.e30", "v1.e30.", "v2.e30.x", "ü.e30.x", "v1.e30.x" * 100])
def test_what_nobody_signed_is_refused(text: str) -> None:
    with pytest.raises(SealError):
        unseal(text, KEY, max_bytes=400)


def test_a_longer_text_than_allowed_is_refused_unread() -> None:
    text = seal({"a": "b" * 100}, KEY)
    with pytest.raises(SealError, match="malformed"):
        unseal(text, KEY, max_bytes=len(text) - 1)


@pytest.mark.parametrize("claims", [[], "x", 5, None])
def test_claims_are_an_object_even_under_our_key(claims: object) -> None:
    with pytest.raises(SealError):
        unseal(seal(claims, KEY), KEY, max_bytes=4096)  # type: ignore[arg-type]


def test_a_key_of_one_purpose_opens_nothing_of_another() -> None:
    session, ticket = derive_key(KEY, "session"), derive_key(KEY, "ticket")
    for key, other in [(session, ticket), (ticket, session), (KEY, session), (session, KEY)]:
        with pytest.raises(SealError, match="signature"):
            unseal(seal({"a": 1}, key), other, max_bytes=4096)
