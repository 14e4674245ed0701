"""Heads as they leave the proxy, byte for byte: to a workspace, to the api, to a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.message.response import ResponseHead
from guildnet_proxy.rewrite import request_head
from guildnet_proxy.rewrite.request_head import Caller, framing, to_api, to_workspace
from guildnet_proxy.rewrite.response_head import ControlRules, WorkspaceRules, control_headers
from guildnet_proxy.sites import Placement, Site
from support.golden import expected
from unit.proxy.values import CONTROL, OWN, PATH, PORT, TAILNET, head

# Cases are made when they are tested: what runs while a module is loaded is nobody's test to the gate of mutants.
GOLDEN = Path(__file__).parent / "golden"
CALLER = Caller("100.64.0.7", CONTROL)
SIX = Caller("fd7a::1", Site(TAILNET, b"g.ts.example", TAILNET.origin))
FIELDS = (
    "Accept: */*", "Cookie: __Host-guildnet-x=s; a=1", "Authorization: Bearer t", "TE: trailers", "Connection: X-Drop",
    "X-Drop: 1", "X-Request-Id: theirs", "X-Forwarded-For: 6.6.6.6", "x-Mine: 2",
)  # fmt: skip


def workspace_head(
    *fields: str, caller: Caller = CALLER, method: str = "GET", placement: Placement = PATH, strip: bool = False,
    prefix: bool = True, host: str | None = None,
) -> bytes:  # fmt: skip
    sent = to_workspace(head(*fields).block, placement, caller, strip_authorization=strip, prefix=prefix, host=host)
    return sent.head(method.encode(), b"/seen?x", b"rid")


def api_head(given: RequestHead, caller: Caller, identity: str | None) -> bytes:
    sent = to_api(given.block, caller)
    if identity is None:
        return sent.head(given.method, given.target, b"rid")
    return sent.signed_head(given.method, given.target, b"rid", identity)


REQUESTS: dict[str, Callable[[], bytes]] = {
    "to a workspace": partial(workspace_head, *FIELDS),
    "to a workspace, without the token for us": partial(workspace_head, *FIELDS, strip=True),
    "to a workspace that knows its base": partial(workspace_head, "Accept: */*", prefix=False),
    "to a workspace of its own origin": partial(workspace_head, "Accept: */*", placement=OWN),
    "to a workspace by another name": partial(workspace_head, host="10.1.1.1:8080"),
    "to a workspace with ours for its only cookie": partial(workspace_head, "Cookie: __Host-guildnet-x=s"),
    "to a workspace with ours for its only cookie and more behind it": partial(
        workspace_head, "Cookie: __Host-guildnet-x=s", "Accept: */*"
    ),
    "to a workspace of a port": partial(workspace_head, "Cookie: gn20001-sid=1; gn20002-sid=2; b=3", placement=PORT),
    "to a workspace from an IPv6 address over TLS": partial(workspace_head, caller=SIX),
    "to a workspace with a body": partial(workspace_head, "Content-Length: 5", method="POST"),
    "to a workspace with an empty body": partial(workspace_head, "Content-Length: 0", method="POST"),
    "to a workspace with chunks": partial(workspace_head, "Transfer-Encoding: chunked", method="POST"),
    "to a workspace, upgraded": partial(
        workspace_head, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: k"
    ),
    "to the api": partial(api_head, head(*FIELDS), CALLER, "signed"),
    "to the api without an identity": partial(
        api_head, head("Content-Length: 5", method="POST", target="/api?x"), SIX, None
    ),
}

ANSWER = (
    "Content-Type: text/html", "Location: /x", "Content-Location: http://10.1.1.1:8080/y", "Set-Cookie: a=1",
    "Set-Cookie: __Host-guildnet-x=1", "Service-Worker-Allowed: /", "X-Frame-Options: DENY", 'Clear-Site-Data: "*"',
    "Strict-Transport-Security: max-age=1", "Public-Key-Pins: p", "Public-Key-Pins-Report-Only: p", "Alt-Svc: h3",
    "NEL: {}", "Report-To: {}", "X-Request-Id: theirs", "Content-Length: 3", "Connection: X-Drop", "X-Drop: 1",
    "X-Guildnet-Identity: evil", "Content-Security-Policy: script-src 'self'; frame-ancestors *",
    "Content-Security-Policy-Report-Only: frame-ancestors *", "Access-Control-Allow-Origin: https://other",
    "Access-Control-Allow-Credentials: true", "Cross-Origin-Resource-Policy: same-origin",
)  # fmt: skip


def answer(*fields: str, first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join((first, *fields, "", "")).encode("latin-1")


def to_browser(
    *fields: str, placement: Placement = OWN, strips: bool = True, cors: bytes = b"", first: str = "HTTP/1.1 200 OK"
) -> bytes:
    rules = WorkspaceRules(placement, frozenset({"10.1.1.1:8080"}), cors, strips=strips)
    return b"".join(rules.lines(ResponseHead(answer(*fields, first=first), rules.names), b"rid"))


def of_control(*fields: str, cors: bytes = b"") -> bytes:
    ours = ((b"x-frame-options", b"DENY"), (b"cross-origin-resource-policy", b"same-origin"))
    rules = ControlRules(ours, cors)
    return b"".join(rules.lines(ResponseHead(answer(*fields), rules.names), b"rid"))


FRONTEND = b"https://ui.example"
OF_CONTROL = "Access-Control-Allow-Origin: HTTP://guildnet.localhost:8080"
RESPONSES: dict[str, Callable[[], bytes]] = {
    "of a workspace on its own origin": partial(to_browser, *ANSWER),
    "of a workspace on a port": partial(to_browser, *ANSWER, placement=PORT),
    "of a workspace below its base": partial(to_browser, *ANSWER, placement=PATH),
    "of a workspace that knows its base": partial(to_browser, *ANSWER, placement=PATH, strips=False),
    "of a workspace below its base, trusted": partial(to_browser, "X: y", placement=replace(PATH, sandbox=False)),
    "of a workspace asked by the control origin": partial(to_browser, *ANSWER, cors=CONTROL.origin.encode()),
    "of a workspace that names the control origin": partial(
        to_browser, OF_CONTROL, "Access-Control-Allow-Methods: PUT", "X: y"
    ),
    "of a workspace below its base that names no origin": partial(to_browser,
        "Access-Control-Allow-Origin: null", "Access-Control-Allow-Methods: PUT", placement=PATH
    ),
    "of a workspace on its own origin that names no origin": partial(to_browser,
        "Access-Control-Allow-Origin: null", "Access-Control-Allow-Methods: PUT"
    ),
    "of a workspace that names methods alone": partial(to_browser, "Access-Control-Allow-Methods: PUT", placement=PATH),
    "of a workspace with two policies": partial(to_browser,
        "Content-Security-Policy: FRAME-ANCESTORS *;img-src x ; , ;, default-src 'none'; frame-ancestors",
    ),
    "of a workspace with another status": partial(to_browser, first="HTTP/1.0 418 I'm a teapot"),
    "of the control origin": partial(of_control, *ANSWER),
    "of the control origin, already complete": partial(of_control,
        "X-Frame-Options: SAMEORIGIN", "Cross-Origin-Resource-Policy: x"
    ),
    "of the control origin to the frontend": partial(of_control, *ANSWER, cors=FRONTEND),
    "made here": partial(control_headers, ((b"x-a", b"1"), (b"cross-origin-resource-policy", b"2")), b"", b"rid"),
    "made here for the frontend": partial(control_headers,
        ((b"cross-origin-resource-policy", b"2"), (b"x-a", b"1")), FRONTEND, b"r"
    ),
}  # fmt: skip

LOCATIONS = (
    "/", "/x", "/proxy/server/ws", "/proxy/server/ws?x", "/proxy/server/ws/", "/proxy/server/wsx", "//evil/x",
    "/\\evil", "x/y", "", "http://10.1.1.1:8080", "http://10.1.1.1:8080/a//b", "HTTPS://10.1.1.1:8080/x",
    "//10.1.1.1:8080/x", "ftp://10.1.1.1:8080/x", "http://10.1.1.1:8081/x", "http://10.1.1.1:8080?x", "http://10.1.1.1:8080#x",
    "http://[bad", "mailto:a@b", "http:/\t/10.1.1.1:8080/x", "/\t/evil/x", "/a\tb",
)  # fmt: skip


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_leaves_as_it_was_written(case: str, update_golden: bool) -> None:
    lines = REQUESTS[case]().decode("latin-1").split("\r\n")
    assert lines == expected(GOLDEN / "sent.yaml", REQUESTS, case, lines, update=update_golden)


@pytest.mark.parametrize("case", RESPONSES)
def test_an_answer_leaves_as_it_was_written(case: str, update_golden: bool) -> None:
    lines = RESPONSES[case]().decode("latin-1").split("\r\n")
    assert lines == expected(GOLDEN / "answered.yaml", RESPONSES, case, lines, update=update_golden)


@pytest.mark.parametrize("location", LOCATIONS)
def test_every_kind_of_redirect_in_every_place(location: str, update_golden: bool) -> None:
    told = {}
    for name, placement, strips in (
        ("own", OWN, True), ("port", PORT, True), ("path", PATH, True), ("path, knows its base", PATH, False),
    ):  # fmt: skip
        lines = to_browser(f"Location: {location}", placement=placement, strips=strips).decode("latin-1").split("\r\n")
        told[name] = next(line for line in lines if line.startswith("Location:"))
    assert told == expected(GOLDEN / "redirects.yaml", LOCATIONS, location, told, update=update_golden)


def test_the_framing_is_ours() -> None:
    assert framing(head().block) == b"\r\n"
    assert framing(head("Content-Length: 0").block) == b"Content-Length: 0\r\n\r\n"


def test_a_status_line_is_of_http_1_1() -> None:
    assert ResponseHead(b"HTTP/1.0 404 Not Found\r\n\r\n").line == b"HTTP/1.1 404 Not Found"


TOKEN, SESSION = b"X-Guildnet-Token: t0ken", b"code-server-session=h4sh"


def logged_in(login: tuple[bytes, bytes], *fields: str, placement: Placement = OWN) -> list[str]:
    block = head(*fields).block
    sent = to_workspace(block, placement, CALLER, strip_authorization=False, prefix=False, login=login)
    return sent.head(b"GET", b"/", b"rid").decode().split("\r\n")


def test_what_logs_in_to_the_workspace_is_added_and_no_client_can_send_it():
    lines = logged_in((TOKEN, b""), "X-Guildnet-Token: forged", "x_guildnet_token: forged", "A: b")
    assert [line for line in lines if "oken" in line.lower()] == [TOKEN.decode()]
    assert "A: b" in lines


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((), "Cookie: code-server-session=h4sh"),
        (("Cookie: a=1",), "Cookie: a=1; code-server-session=h4sh"),
        (("Cookie: __Host-guildnet-x=s",), "Cookie: code-server-session=h4sh"),
        (("Cookie: code-server-session=own; a=1",), "Cookie: code-server-session=own; a=1"),
        (("Cookie: a=1; code-server-session=own",), "Cookie: a=1; code-server-session=own"),
        (("Cookie: code-server-session2=1",), "Cookie: code-server-session2=1; code-server-session=h4sh"),
        (("Cookie: old-code-server-session=1",), "Cookie: old-code-server-session=1; code-server-session=h4sh"),
        (("Cookie: a=code-server-session=1",), "Cookie: a=code-server-session=1; code-server-session=h4sh"),
    ],
    ids=[
        "none", "others", "only ours", "the visitor's own", "the visitor's own, last", "one that begins alike",
        "one that ends alike", "one whose value looks alike",
    ],
)  # fmt: skip
def test_a_session_is_added_where_the_visitor_has_none(given, sent):
    lines = logged_in((b"", SESSION), *given)
    assert [line for line in lines if line.startswith("Cookie:")] == [sent]


def test_a_workspace_that_wants_no_session_gets_the_visitor_s_cookies_alone():
    lines = logged_in((b"", b""), "Cookie: a=1")
    assert [line for line in lines if line.startswith("Cookie:")] == ["Cookie: a=1"]


@pytest.mark.parametrize(("ours", "sent"), [(b"", "traceparent: theirs"), (b"00-1-2-01", "traceparent: 00-1-2-01")])
def test_the_api_gets_one_trace_ours_where_there_is_one(ours: bytes, sent: str):
    made = to_api(head("Traceparent: theirs", "A: b").block, CALLER, ours).head(b"GET", b"/", b"rid").decode()
    lines = made.split("\r\n")
    assert [line.lower() for line in lines if line.lower().startswith("traceparent:")] == [sent]
    assert "A: b" in lines


def test_what_stands_before_a_cookie_that_is_only_ours_goes_along():
    lines = workspace_head("Authorization: Bearer t", "Cookie: __Host-guildnet-x=s").decode().split("\r\n")
    assert "Authorization: Bearer t" in lines
    assert not [line for line in lines if line.startswith("Cookie:")]


def test_what_is_told_of_a_caller_is_made_once():
    address = "100.64.0.200"  # of no other test, whose caller would be known already
    assert request_head._forwarded(Caller(address, CONTROL)) is request_head._forwarded(Caller(address, CONTROL))
