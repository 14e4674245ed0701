"""Facts that several services share: request ids, ports, base paths, names of claims, resource versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet import names
from guildnet.kube.version import is_older, number
from guildnet.web import request_id
from guildnet.web.entries import Entry
from guildnet.web.security_headers import NAMES, frame_sources, headers
from guildnet.workspace import Port, WorkspaceSpec
from guildnet.workspace.ports import base_path, default_ports, scheme_of, served_ports


@pytest.mark.parametrize("text", ["abc", "a", "trace.1", "0af7651916cd43dd8448eb211c80319c", "a:b_c-d.e", "x" * 128])
def test_a_sane_request_id_is_kept(text: str) -> None:
    assert request_id.accepts(text)
    assert request_id.kept_or_new(text) == text


@pytest.mark.parametrize(
    "text", ["", "x" * 129, "a b", "a\r\nb", "a\n", '"', "-a", ".a", "ä", "٣", "a/b", "a%b", "a;b"]
)
def test_any_other_is_replaced_by_32_hex_digits(text: str) -> None:
    assert not request_id.accepts(text)
    kept = request_id.kept_or_new(text)
    assert len(kept) == 32
    assert int(kept, 16) >= 0
    assert request_id.accepts(kept)


def test_no_two_new_request_ids_are_the_same() -> None:
    ids = [request_id.new() for _ in range(10_000)]
    assert len(set(ids)) == 10_000
    assert {len(each) for each in ids} == {32}
    assert len({each[:22] for each in ids}) == 1
    assert [int(each, 16) for each in ids] == list(range(int(ids[0], 16), int(ids[0], 16) + 10_000))


@pytest.mark.parametrize(
    ("image", "ports"),
    [
        ("codercom/code-server:4", [8080]),
        ("x/code-server/custom", [8080]),
        ("ghcr.io/acme/my-code-server-plus@sha256:" + "a" * 64, [8080]),
        ("code-server.example/tool", [8080, 8443]),
        ("nginx", [8080, 8443]),
        ("example.com/base:code-server", [8080, 8443]),
    ],
)
def test_a_workspace_without_ports_gets_those_of_its_image(image: str, ports: list[int]) -> None:
    assert [port.container_port for port in default_ports(image)] == ports
    assert served_ports(WorkspaceSpec(image)) == default_ports(image)


def test_given_ports_are_served_and_the_nameless_ones_named() -> None:
    spec = WorkspaceSpec("nginx", ports=(Port(8888, path_mode="Preserve"), Port(9000, "admin")))
    assert served_ports(spec) == (Port(8888, "p-8888", path_mode="Preserve"), Port(9000, "admin"))


@pytest.mark.parametrize(
    ("port", "name", "scheme"),
    [(443, None, "https"), (8443, "web", "https"), (8080, None, "http"), (9000, "https-admin", "https"),
     (9000, "http", "http")],
)  # fmt: skip
def test_a_port_speaks_https_by_number_or_by_name(port: int, name: str | None, scheme: str) -> None:
    assert scheme_of(port, name) == scheme


def test_the_path_form_of_a_workspace() -> None:
    assert base_path("lab-1a2b3") == "/proxy/server/lab-1a2b3"
    assert base_path("lab-1a2b3", 9000) == "/proxy/server/lab-1a2b3/~9000"


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True))
def test_a_claim_names_its_workspace(name: str) -> None:
    assert names.workspace_of_claim(names.claim_name(name)) == name


@pytest.mark.parametrize("claim", ["data", "-storage", "storage", "my-storages"])
def test_another_claim_names_none(claim: str) -> None:
    assert names.workspace_of_claim(claim) is None


@pytest.mark.parametrize(
    ("version", "held", "older"),
    [("9", "10", True), ("10", "9", False), ("9", "9", False), ("x", "9", False), ("9", "x", False), ("", "9", False),
     (None, "9", False), ("9", None, False), ("٣", "9", False)],
)  # fmt: skip
def test_versions_are_compared_as_numbers_or_not_at_all(version: str | None, held: str | None, *, older: bool) -> None:
    assert is_older(version, held) is older


def test_the_number_of_a_version() -> None:
    assert [number(text) for text in ("17", "", "a", None, "-1", "1.5")] == [17, None, None, None, None, None]


@pytest.mark.parametrize(
    ("entry", "sources"),
    [
        (None, "'none'"),
        (Entry("local", "http://guildnet.localhost:8080", "host"), "'self' http://*.guildnet.localhost:8080"),
        (Entry("domain", "https://guild.example", "host"), "'self' https://*.guild.example"),
        (Entry("tailnet", "https://guildnet.ts.net", "port"), "'self' https://guildnet.ts.net:*"),
        (Entry("local", "http://guildnet.localhost:8080", "path"), "'self'"),
    ],
)
def test_the_control_page_frames_and_asks_exactly_the_workspaces_of_its_entry(
    entry: Entry | None, sources: str
) -> None:
    assert frame_sources(entry) == sources
    found = dict(headers(entry))
    assert f"frame-src {sources};".encode() in found[b"content-security-policy"]
    asks = sources if entry is not None else "'self'"
    assert f"connect-src {asks};".encode() in found[b"content-security-policy"]
    assert b"frame-ancestors 'none'" in found[b"content-security-policy"]
    assert set(found) == NAMES
