"""A workspace's answer is moved to where it appears and keeps no header with which it could reach past that."""

from __future__ import annotations

import pytest

from guildnet.web.entries import Entry
from guildnet.web.security_headers import NAMES, headers
from guildnet_proxy.http.message.response import ResponseHead
from guildnet_proxy.rewrite.response_head import ControlRules, WorkspaceRules
from guildnet_proxy.sites import Placement
from unit.proxy.values import OWN, PATH, PORT

UPSTREAM = frozenset({"10.1.1.1:8080", "guildnet.localhost:8080"})


def lines(placement: Placement, *fields: str, strips: bool = True, cors: bytes = b"") -> list[str]:
    block = "\r\n".join(("HTTP/1.1 200 OK", *fields, "", "")).encode("latin-1")
    rules = WorkspaceRules(placement, UPSTREAM, cors, strips=strips)
    return b"".join(rules.lines(ResponseHead(block, rules.names), b"rid")).decode("latin-1").split("\r\n")


@pytest.mark.parametrize(
    ("placement", "strips", "location", "expected"),
    [
        (PATH, True, "/x", "/proxy/server/ws/x"),
        (PATH, True, "/proxy/server/ws/x", "/proxy/server/ws/x"),
        (PATH, True, "/proxy/server/ws2/x", "/proxy/server/ws/proxy/server/ws2/x"),
        (PATH, True, "x", "x"),
        (PATH, True, "?a", "?a"),
        (PATH, True, "//elsewhere/x", "//elsewhere/x"),
        (PATH, True, "http://10.1.1.1:8080/x?y", "http://guildnet.localhost:8080/proxy/server/ws/x?y"),
        (PATH, True, "https://guildnet.localhost:8080", "http://guildnet.localhost:8080/proxy/server/ws/"),
        (PATH, True, "https://elsewhere/x", "https://elsewhere/x"),
        (PATH, False, "/proxy/server/ws/tree", "/proxy/server/ws/tree"),
        (PATH, False, "/login", "/login"),
        (OWN, True, "/x", "/x"),
        (OWN, True, "http://10.1.1.1:8080/x", "http://ws.guildnet.localhost:8080/x"),
        (PORT, True, "http://10.1.1.1:8080", "https://g.ts.example:20001/"),
        (OWN, True, "http://[bad", "http://[bad"),
        (OWN, True, "http:/\t/10.1.1.1:8080/x", "http://ws.guildnet.localhost:8080/x"),
        (PATH, True, "/\t/elsewhere/x", "/\t/elsewhere/x"),
        (PATH, True, "/\tx", "/proxy/server/ws/x"),
    ],
)
def test_a_redirect_leads_to_where_the_workspace_appears(placement, strips, location, expected):
    assert f"Location: {expected}" in lines(placement, f"Location: {location}", strips=strips)


@pytest.mark.parametrize(
    "field",
    ["X-Frame-Options: DENY", 'Clear-Site-Data: "*"', "Strict-Transport-Security: max-age=1", "Public-Key-Pins: x",
     'Alt-Svc: h3=":443"', "NEL: {}", "Report-To: {}", "X-Guildnet-Identity: x", "Tailscale-User-Login: x",
     "Connection: X-Drop", "Keep-Alive: timeout=5", "X-Request-Id: theirs"],
)  # fmt: skip
def test_what_a_workspace_may_not_say(field):
    for placement in (OWN, PORT, PATH):
        assert not any(
            line.startswith(field.partition(":")[0] + ":") and line != "X-Request-Id: rid"
            for line in lines(placement, field)
        )


def test_only_the_path_form_is_sandboxed_and_refused_a_wider_service_worker():
    own, path = lines(OWN, "Service-Worker-Allowed: /"), lines(PATH, "Service-Worker-Allowed: /")
    assert "Service-Worker-Allowed: /" in own
    assert "Service-Worker-Allowed: /" not in path
    assert any("sandbox allow-scripts" in line and "allow-same-origin" not in line for line in path)
    assert not any("sandbox" in line for line in own)


def test_frame_ancestors_are_ours_and_other_policies_stay():
    found = lines(OWN, "Content-Security-Policy: frame-ancestors *; script-src 'self', frame-ancestors 'none'")
    policies = [line for line in found if line.startswith("Content-Security-Policy")]
    assert policies == [
        "Content-Security-Policy: script-src 'self'",
        "Content-Security-Policy: frame-ancestors 'self' http://guildnet.localhost:8080",
    ]


def test_cors_for_the_control_origin_is_decided_here():
    named = "Access-Control-Allow-Origin: http://guildnet.localhost:8080"
    assert named not in lines(OWN, named, "Access-Control-Allow-Credentials: true")
    assert "Access-Control-Allow-Origin: https://other" in lines(OWN, "Access-Control-Allow-Origin: https://other")
    ours = lines(OWN, "Access-Control-Allow-Origin: *", cors=b"http://guildnet.localhost:8080")
    assert [line for line in ours if "Allow-Origin" in line] == [named]


ENTRY = Entry("local", "http://guildnet.localhost:8080", "host")


def control(*fields: str, cors: bytes = b"") -> list[str]:
    block = "".join(f"{field}\r\n" for field in ("HTTP/1.1 200 OK", *fields, "")).encode()
    rules = ControlRules(headers(ENTRY), cors)
    return b"".join(rules.lines(ResponseHead(block, rules.names), b"rid")).decode().split("\r\n")


def test_an_answer_without_the_control_origins_headers_gets_them():
    told = {line.partition(":")[0].lower() for line in control("Content-Type: text/html")}
    assert {name.decode() for name in NAMES} <= told


def test_what_the_api_said_of_them_is_said_once_and_as_it_said_it():
    sent = [f"{name.decode()}: {value.decode()}" for name, value in headers(ENTRY, ("'sha256-x'",))]
    told = control(*sent, "X-Request-Id: theirs")
    assert [line for line in told if line.partition(":")[0].encode() in NAMES] == sent
    assert [line for line in told if line.lower().startswith("x-request-id")] == ["X-Request-Id: rid"]


@pytest.mark.parametrize("told", ["X-Guildnet-Stale: 12", "X-Guildnet-Incomplete: older lines"])
def test_what_an_answer_lacks_is_the_apis_to_say(told: str):
    assert told in control(told, "X-Guildnet-Identity: x")
    assert not any("Identity" in line for line in control("X-Guildnet-Identity: x"))
    assert told not in lines(OWN, told)


def test_a_frontend_of_another_origin_may_read_the_answer():
    told = control("cross-origin-resource-policy: same-origin", "Access-Control-Allow-Origin: *", cors=b"https://ui")
    assert [line for line in told if "resource-policy" in line.lower()] == [
        "Cross-Origin-Resource-Policy: cross-origin"
    ]
    assert [line for line in told if "Allow-Origin" in line] == ["Access-Control-Allow-Origin: https://ui"]


def test_an_answer_by_what_an_earlier_run_knew_says_how_old_that_is():
    ages = iter((7, 9))
    rules = WorkspaceRules(OWN, UPSTREAM, b"", strips=False, stale=lambda: next(ages))
    head = ResponseHead(b"HTTP/1.1 200 OK\r\nX-Guildnet-Stale: 1\r\nA: b\r\n\r\n", rules.names)
    for told in (b"7", b"9"):
        text = b"".join(rules.lines(head, b"id"))
        assert text.lower().count(b"x-guildnet-stale") == 1
        assert text.endswith(b"X-Request-Id: id\r\nX-Guildnet-Stale: %b\r\n" % told)
