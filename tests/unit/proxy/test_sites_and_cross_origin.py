"""Which site a name means, and which requests a browser may make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet.names import origin_label
from guildnet_proxy.frontdoor import cross_origin
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.sites import Sites, own_origin
from unit.proxy.values import CONTROL, LOCAL, OWN, PATH, TAILNET, head, workspace

TCP, PRIVATE = Listener("tcp", private=False), Listener("tailnet", private=True)


def sites() -> Sites:
    from guildnet.web.entries import Entry

    made = Sites((LOCAL, Entry("domain", "https://example.org", "host")), tailnet_mode="port")
    made.learn("g.ts.example")
    return made


@pytest.mark.parametrize(
    ("host", "entry", "label"),
    [
        ("guildnet.localhost:8080", "local", None),
        ("GuildNet.Localhost:8080", "local", None),
        ("ws-12345678.guildnet.localhost:8080", "local", "ws-12345678"),
        ("example.org", "domain", None),
        ("example.org:443", "domain", None),
        ("ws-12345678.example.org", "domain", "ws-12345678"),
    ],
)
def test_a_public_name_is_found(host, entry, label):
    site = sites().locate(head(host=host), TCP)
    assert (site.entry.name, site.label, site.port) == (entry, label, None)


@pytest.mark.parametrize(
    "host",
    ["", "guildnet.localhost", "guildnet.localhost:80", "a.b.guildnet.localhost:8080", "-a.guildnet.localhost:8080",
     "xguildnet.localhost:8080", "guildnet.localhost:8080.", "g.ts.example", "10.0.0.1", "[::1]:8080", "example.org:80",
     "example.org:08443", "ws.example.org:8443", "example.org@evil", "exämple.org"],
)  # fmt: skip
def test_any_other_name_is_refused(host):
    with pytest.raises(Refusal) as refused:
        sites().locate(head(host=host), TCP)
    assert refused.value.status == 421


def test_the_private_listener_reads_the_sidecars_word_and_nothing_else():
    made = sites()
    control = made.locate(head("X-Forwarded-Host: g.ts.example", host="localhost"), PRIVATE)
    assert (control.entry.name, control.control, control.origin) == ("tailnet", True, "https://g.ts.example")
    own = made.locate(head("X-Forwarded-Host: g.ts.example:20001", host="localhost"), PRIVATE)
    assert (own.port, own.origin) == (20001, "https://g.ts.example:20001")
    for wrong in ("X-Forwarded-Host: guildnet.localhost:8080", "X_Forwarded_Host: g.ts.example", "X: y"):
        with pytest.raises(Refusal):
            made.locate(head(wrong, host="g.ts.example"), PRIVATE)


def test_a_public_listener_ignores_a_forwarded_host():
    site = sites().locate(head("X-Forwarded-Host: g.ts.example", host="guildnet.localhost:8080"), TCP)
    assert site.entry.name == "local"


def test_before_its_name_is_known_the_tailnet_entry_says_try_again():
    made = Sites((LOCAL,), tailnet_mode="port")
    with pytest.raises(Refusal) as refused:
        made.locate(head("X-Forwarded-Host: g.ts.example"), PRIVATE)
    assert refused.value.status == 503


def test_where_a_workspace_has_its_own_origin():
    made = workspace(status={"origin": {"port": 20001, "host": "ws-12345678"}})
    assert own_origin(made, LOCAL) == "http://ws-12345678.guildnet.localhost:8080"
    assert own_origin(made, TAILNET) == "https://g.ts.example:20001"
    assert own_origin(workspace(), TAILNET) is None


def test_where_a_port_behind_the_first_has_its_own_origin():
    spec = {"ports": [{"containerPort": 8080}, {"containerPort": 9000}, {"containerPort": 9001}]}
    origin = {"port": 20001, "host": "ws-12345678", "ports": [{"containerPort": 9000, "port": 20007}]}
    made = workspace(spec=spec, status={"origin": origin})
    label = origin_label(made.name, made.uid, 9000)
    assert own_origin(made, LOCAL, 9000) == f"http://{label}.guildnet.localhost:8080"
    assert own_origin(made, TAILNET, 9000) == "https://g.ts.example:20007"
    assert own_origin(made, TAILNET, 9001) is None
    assert own_origin(made, TAILNET, 8080) == own_origin(made, TAILNET)
    site = sites().locate(head(host=f"{label}.guildnet.localhost:8080"), TCP)
    assert (site.entry.name, site.label) == ("local", label)


def control(*lines: str, method: str = "GET", frontend: str = "") -> str:
    try:
        return cross_origin.control(head(*lines, method=method), CONTROL, frontend).rule
    except Refusal as error:
        return f"{error.status} {error.rule}"


@pytest.mark.parametrize(
    ("lines", "method", "expected"),
    [
        ((), "GET", "no-browser"),
        ((), "POST", "no-browser"),
        (("Sec-Fetch-Site: same-origin",), "POST", "same-site"),
        (("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"), "GET", "same-site"),
        (("Sec-Fetch-Site: same-site",), "GET", "403 fetch-site"),
        (("Sec-Fetch-Site: cross-site",), "POST", "403 fetch-site"),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), "GET", "navigation"),
        (
            ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
            "POST",
            "403 fetch-site",
        ),
        (("Sec-Fetch-Site: weird",), "GET", "403 fetch-site"),
        (("Origin: http://guildnet.localhost:8080",), "POST", "own-origin"),
        (("Origin: http://guildnet.localhost:8080/",), "POST", "403 origin"),
        (("Origin: https://guildnet.localhost:8080",), "POST", "403 origin"),
        (("Origin: http://guildnet.localhost",), "POST", "403 origin"),
        (("Origin: null",), "POST", "403 origin"),
        (("Origin: https://ui.example",), "POST", "frontend-origin"),
        (("Origin: http://guildnet.localhost:8080", "Origin: https://evil"), "POST", "403 origin"),
        (("Content-Type: application/json", "Content-Length: 2"), "POST", "no-browser"),
        (("Content-Type: application/merge-patch+json; charset=utf-8", "Content-Length: 2"), "PATCH", "no-browser"),
        (("Content-Type: text/plain", "Content-Length: 2"), "POST", "415 content-type"),
        (("Content-Type: application/x-www-form-urlencoded", "Content-Length: 2"), "POST", "415 content-type"),
        (
            ("Content-Type: multipart/form-data; boundary=application/json", "Content-Length: 2"),
            "POST",
            "415 content-type",
        ),
        (("Content-Length: 2",), "POST", "415 content-type"),
    ],
)
def test_the_control_gate(lines, method, expected):
    assert control(*lines, method=method, frontend="https://ui.example") == expected


def of_workspace(*lines: str, placement=OWN, method: str = "GET") -> str:
    try:
        return cross_origin.workspace(head(*lines, method=method), placement).rule
    except Refusal as error:
        return f"{error.status} {error.rule}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Origin: http://ws.guildnet.localhost:8080",), "own-origin"),
        ((), "no-browser"),
        (("Origin: http://guildnet.localhost:8080",), "403 origin"),
        (("Origin: http://other.guildnet.localhost:8080",), "403 origin"),
        (("Origin: null",), "403 origin"),
    ],
)
def test_a_websocket_handshake_needs_exactly_the_workspaces_own_origin(lines, expected):
    assert of_workspace("Upgrade: websocket", "Connection: Upgrade", *lines) == expected


def test_a_referer_opens_nothing():
    """A page with an opaque origin sends none, and any other page can write it: `history.replaceState`."""
    inside = "Referer: http://guildnet.localhost:8080/proxy/server/ws/"
    cross = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors")
    assert of_workspace("Origin: null", inside, placement=PATH, method="POST") == "403 origin"
    assert of_workspace(inside, *cross, placement=PATH) == "403 fetch-site"
    websocket = ("Upgrade: websocket", "Connection: Upgrade", "Origin: null", inside)
    assert of_workspace(*websocket, placement=PATH) == "403 origin"


ORIGINS = st.text(alphabet="htps:/.guildnetlocalhost8080wx-", max_size=50)


@given(ORIGINS, st.sampled_from(["GET", "POST", "DELETE", "HEAD"]), st.sampled_from(["", "same-site", "cross-site"]))
def test_no_origin_but_the_allowed_ones_passes(origin, method, site):
    lines = [f"Origin: {origin}"] if origin else ["Origin: x"]
    if site:
        lines.append(f"Sec-Fetch-Site: {site}")
    assert control(*lines, method=method).startswith("403") or origin == CONTROL.origin
    allowed = {OWN.origin} | ({CONTROL.origin} if method in {"GET", "HEAD"} else set())
    assert of_workspace(*lines, method=method).startswith("403") or origin in allowed
