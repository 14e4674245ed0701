"""Names: what a text becomes, and that whatever comes in, a valid name goes out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet import names

SLUGS = {
    "My App": "my-app",
    "___ABC": "abc",
    "Hello--World!!": "hello-world",
    "UX Über Notebook!": "ux-uber-notebook",
    "Straße ñandú Łódź": "strasse-nandu-odz",
    "a_b-c d": "a-b-c-d",
    "a - b": "a-b",
    "a.b": "ab",
    "a-.-b": "a-b",
    "Café Ünïcode": "cafe-unicode",
    "tab\tand\nline": "tab-and-line",
    "": "",
    "!!!": "",
    "---": "",
    "42": "42",
}


@pytest.mark.parametrize(("text", "slug"), SLUGS.items(), ids=map(repr, SLUGS))
def test_a_text_becomes_its_slug(text: str, slug: str) -> None:
    assert names.slug(text) == slug


BASES = [
    (None, "nginx", "nginx"),
    ("", "nginx", "nginx"),
    ("!!!", "nginx", "nginx"),
    ("My App", "nginx", "my-app"),
    (None, "ghcr.io/acme/Jupyter_Lab:4.6", "jupyter-lab"),
    (None, "localhost:5000/acme/code-server", "code-server"),
    (None, "localhost:5000/acme/code-server:1@sha256:" + "a" * 64, "code-server"),
    (None, "nginx:1.27", "nginx"),
    (None, "", "workload"),
    (None, "///", "workload"),
    ("42", "nginx", "ws-42"),
    (None, "3proxy", "ws-3proxy"),
]


@pytest.mark.parametrize(("name", "image", "base"), BASES)
def test_the_base_is_the_name_else_the_image_else_workload(name: str | None, image: str, base: str) -> None:
    assert names.base_name(name, image) == base


@given(name=st.none() | st.text(), image=st.text())
def test_every_made_name_is_a_dns_1035_label_with_five_hex_digits_at_its_end(name: str | None, image: str) -> None:
    made = names.with_suffix(names.base_name(name, image))
    assert names.DNS_1035_LABEL.fullmatch(made)
    assert len(made) <= 63
    assert re.search(r"-[0-9a-f]{5}$", made)
    assert "--" not in made


@given(st.text())
def test_a_slug_of_a_slug_is_itself(text: str) -> None:
    assert names.slug(names.slug(text)) == names.slug(text)


def test_a_long_base_is_cut_and_never_the_suffix() -> None:
    assert names.with_suffix("a" * 80, lambda n: "0123456789"[: 2 * n]) == "a" * 57 + "-01234"
    assert names.with_suffix("a" * 56 + "-b", lambda _: "fffff0") == "a" * 56 + "-fffff"


def test_two_suffixes_differ() -> None:
    assert len({names.with_suffix("a") for _ in range(50)}) > 45


UID = "0f9c2a7e-1111-2222-3333-444455556666"


def test_an_origin_label_is_the_name_and_eight_digits_of_the_uid() -> None:
    assert names.origin_label("jupyter-abcde", UID) == "jupyter-abcde-0f9c2a7e"
    assert names.origin_label("a" * 63, UID) == "a" * 54 + "-0f9c2a7e"


@given(st.from_regex(names.DNS_1035_LABEL, fullmatch=True), st.uuids())
def test_every_origin_label_is_a_dns_label_and_belongs_to_one_uid(name: str, uid: object) -> None:
    label = names.origin_label(name, str(uid))
    assert names.DNS_1035_LABEL.fullmatch(label)
    assert label.endswith(str(uid)[:8])


_PORTS = st.integers(1, 65535)


@given(st.from_regex(names.DNS_1035_LABEL, fullmatch=True), st.uuids(), _PORTS)
def test_the_label_of_another_port_is_a_dns_label_that_no_name_can_have(name: str, uid: object, port: int) -> None:
    label = names.origin_label(name, str(uid), port)
    assert re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", label)
    assert label.partition("-")[0] == str(port), "its digits end at the first dash"
    assert not names.DNS_1035_LABEL.fullmatch(label), "and no workspace's own label begins so"
    assert label[2:4] != "--", "what has these two there is reserved (RFC 5891 4.2.3.1)"


RESERVED = {
    "guildnet.io/id": True,
    "x.guildnet.io/id": True,
    "guildnet.io": False,
    "notguildnet.io/id": False,
    "app.kubernetes.io/name": False,
    "id": False,
}


@pytest.mark.parametrize(("key", "reserved"), RESERVED.items())
def test_keys_below_the_group_are_reserved(key: str, reserved: bool) -> None:
    assert names.is_reserved(key) is reserved
