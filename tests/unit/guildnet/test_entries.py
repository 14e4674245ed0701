"""Entries: one spelling of an origin, and the settings every service reads them from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from guildnet.web.entries import Entry, EntrySettings, authority, normalised_origin, origin


@pytest.mark.parametrize(
    ("given_text", "spelled"),
    [
        ("", ""),
        ("http://guildnet.localhost:8080", "http://guildnet.localhost:8080"),
        ("HTTPS://Guild.Example/", "https://guild.example"),
        ("https://guild.example:443", "https://guild.example"),
        ("http://guild.example:80/", "http://guild.example"),
        ("http://guild.example:443", "http://guild.example:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[FD00::1]:443", "https://[fd00::1]"),
    ],
)
def test_an_origin_is_spelled_as_a_browser_sends_it(given_text: str, spelled: str) -> None:
    assert normalised_origin(given_text) == spelled
    assert normalised_origin(spelled) == spelled


@pytest.mark.parametrize(
    "text",
    ["guild.example", "ftp://guild.example", "http://", "http:///x", "http://a/b", "http://a?b", "http://a#b", "http://u@a",
     "http://a:", "http://a:b", "http://a:99999", "https://a?", "//a"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an origin is"):
        normalised_origin(text)


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}\.example", fullmatch=True),
    st.integers(1, 65535),
)
def test_entry_and_origin_are_each_others_inverse(scheme: str, host: str, port: int) -> None:
    entry = Entry("local", origin(scheme, host, port))
    assert (entry.scheme, entry.host, entry.port) == (scheme, host, port)
    assert entry.origin == f"{scheme}://{authority(host, port, scheme)}" == normalised_origin(entry.origin)


def test_the_canonical_entry_comes_first_and_what_is_not_configured_is_left_out() -> None:
    settings = EntrySettings(domain_origin="https://Guild.example:443/", local_origin="http://guildnet.localhost:8080")
    assert [entry.name for entry in settings.entries(None)] == ["domain", "local"]
    tailnet, domain, _ = settings.entries("Guildnet.tail.ts.net.")
    assert tailnet == Entry("tailnet", "https://guildnet.tail.ts.net", "port")
    assert domain == Entry("domain", "https://guild.example", "host")


def test_an_origin_that_is_none_is_a_bad_setting() -> None:
    with pytest.raises(ValidationError, match="an origin is http"):
        EntrySettings(local_origin="guildnet.localhost:8080")
