"""Every way through the CSRF guard and every refusal of it, with the words that a page's author is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guildnet_proxy.frontdoor import cross_origin, path_form
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.sites import Placement, path_placement
from unit.proxy.values import CONTROL, OWN, PATH, PORT, head

FRONTEND = "https://ui.example"
MAY_NOT_USE = "403 cross_origin origin The page this request came from may not use this install."
ANOTHER_SITE = "403 cross_origin fetch-site Another site's page may not use this install."
NOT_THIS_WORKSPACE = "403 cross_origin origin Another site's page may not use this workspace."
SEND_JSON = "415 unsupported_media_type content-type Send the body as application/json."
NO_WORKER = "403 cross_origin service-worker Service workers need the workspace's own origin."
BODY, JSON = "Content-Length: 2", "Content-Type: application/json"
NAVIGATES = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
SOCKET = ("Upgrade: websocket", "Connection: Upgrade")
BASE = "Referer: http://guildnet.localhost:8080/proxy/server/ws/"


def told(made: cross_origin.Passed | Refusal) -> str:
    if isinstance(made, Refusal):
        return f"{made.status} {made.code} {made.rule} {made.message}"
    return f"{made.rule} {made.cors.decode()}".strip()


def control(*lines: str, method: str = "GET", frontend: str = FRONTEND) -> str:
    try:
        return told(cross_origin.control(head(*lines, method=method), CONTROL, frontend))
    except Refusal as error:
        return told(error)


def workspace(*lines: str, method: str = "GET", placement: Placement = OWN) -> str:
    try:
        return told(cross_origin.workspace(head(*lines, method=method), placement))
    except Refusal as error:
        return told(error)


@pytest.mark.parametrize(
    ("method", "lines", "expected"),
    [
        ("GET", (f"Origin: {CONTROL.origin}",), "own-origin"),
        ("DELETE", (f"Origin: {CONTROL.origin}",), "own-origin"),
        ("GET", (f"Origin: {FRONTEND}",), f"frontend-origin {FRONTEND}"),
        ("POST", (f"Origin: {FRONTEND}", JSON, BODY), f"frontend-origin {FRONTEND}"),
        ("GET", ("Origin: https://evil",), MAY_NOT_USE),
        ("GET", ("Origin: null", "Sec-Fetch-Site: same-origin"), "own-origin"),
        ("POST", ("Origin: null", "Sec-Fetch-Site: same-origin"), "own-origin"),
        ("POST", ("Origin: null", "Sec-Fetch-Site: same-site"), MAY_NOT_USE),
        ("POST", ("Origin: null", "Sec-Fetch-Site: none"), MAY_NOT_USE),
        ("POST", ("Origin: null",), MAY_NOT_USE),
        ("GET", (), "no-browser"),
        ("HEAD", (), "no-browser"),
        ("GET", ("Sec-Fetch-Site: none",), "same-site"),
        ("GET", ("Sec-Fetch-Site: same-origin",), "same-site"),
        ("GET", ("Sec-Fetch-Site: same-site",), ANOTHER_SITE),
        ("GET", NAVIGATES, "navigation"),
        ("GET", (*NAVIGATES, "Sec-Fetch-Dest: document"), "navigation"),
        ("GET", (*NAVIGATES, "Sec-Fetch-Dest: iframe"), "navigation"),
        ("GET", (*NAVIGATES, "Sec-Fetch-Dest: frame"), "navigation"),
        ("GET", (*NAVIGATES, "Sec-Fetch-Dest: object"), ANOTHER_SITE),
        ("GET", ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"), ANOTHER_SITE),
        ("GET", ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: document"), ANOTHER_SITE),
        ("HEAD", (*NAVIGATES, "Sec-Fetch-Dest: document"), ANOTHER_SITE),
        ("POST", (*NAVIGATES, "Sec-Fetch-Dest: document"), ANOTHER_SITE),
        ("POST", (BODY,), SEND_JSON),
        ("POST", (), "no-browser"),
        ("GET", (BODY, "Content-Type: text/plain"), "no-browser"),
        ("HEAD", (BODY, "Content-Type: text/plain"), "no-browser"),
        ("POST", (BODY, "Content-Type:  Application/JSON ; charset=utf-8"), "no-browser"),
        ("POST", (BODY, "Content-Type: application/x+json"), "no-browser"),
        ("POST", (BODY, "Content-Type: application/x+jsonp"), SEND_JSON),
        ("POST", (BODY, "Content-Type: text/x+json"), SEND_JSON),
        ("POST", (BODY, "Content-Type: application/jsonx"), SEND_JSON),
        ("POST", (BODY, "Content-Type: text/plain; application/json"), SEND_JSON),
    ],
)  # fmt: skip
def test_the_control_origin(method: str, lines: tuple[str, ...], expected: str) -> None:
    assert control(*lines, method=method) == expected


def test_without_a_frontend_there_is_none() -> None:
    assert control("Origin: https://ui.example", frontend="") == MAY_NOT_USE


@pytest.mark.parametrize(
    ("placement", "method", "lines", "expected"),
    [
        (OWN, "POST", (f"Origin: {OWN.origin}",), "own-origin"),
        (OWN, "GET", (f"Origin: {CONTROL.origin}",), f"control-origin {CONTROL.origin}"),
        (OWN, "HEAD", (f"Origin: {CONTROL.origin}",), f"control-origin {CONTROL.origin}"),
        (OWN, "POST", (f"Origin: {CONTROL.origin}",), NOT_THIS_WORKSPACE),
        (OWN, "GET", (f"Origin: {CONTROL.origin}", *SOCKET), NOT_THIS_WORKSPACE),
        (OWN, "GET", ("Origin: https://evil",), NOT_THIS_WORKSPACE),
        (OWN, "GET", ("Origin: null", BASE), NOT_THIS_WORKSPACE),
        (OWN, "POST", ("Origin: null", "Sec-Fetch-Site: same-origin"), "own-origin"),
        (PORT, "POST", ("Origin: null", "Sec-Fetch-Site: same-origin"), "own-origin"),
        (OWN, "POST", ("Origin: null", "Sec-Fetch-Site: same-site"), NOT_THIS_WORKSPACE),
        (OWN, "GET", ("Origin: null", "Sec-Fetch-Site: same-origin", *SOCKET), NOT_THIS_WORKSPACE),
        (OWN, "GET", ("Sec-Fetch-Site: cross-site", BASE), ANOTHER_SITE),
        (OWN, "GET", (), "no-browser"),
        (OWN, "GET", ("Sec-Fetch-Site: same-origin",), "same-site"),
        (OWN, "GET", ("Service-Worker: script",), "no-browser"),
        (PORT, "GET", ("Service-Worker: script",), "no-browser"),
        (PATH, "GET", ("Service-Worker: script",), NO_WORKER),
        (PATH, "GET", ("Service-Worker: SCRIPT",), NO_WORKER),
        (PATH, "GET", ("Service-Worker: other",), "no-browser"),
        (PATH, "POST", ("Origin: null", BASE), NOT_THIS_WORKSPACE),
        (PATH, "GET", ("Origin: null", BASE, *SOCKET), NOT_THIS_WORKSPACE),
        (PATH, "GET", ("Origin: null",), NOT_THIS_WORKSPACE),
        (PATH, "GET", ("Origin: null", BASE.removesuffix("/")), NOT_THIS_WORKSPACE),
        (PATH, "GET", ("Origin: https://evil", BASE), NOT_THIS_WORKSPACE),
        (PATH, "GET", ("Sec-Fetch-Site: cross-site", BASE), ANOTHER_SITE),
        (PATH, "POST", ("Sec-Fetch-Site: cross-site", BASE), ANOTHER_SITE),
        (PATH, "GET", ("Sec-Fetch-Site: same-origin", BASE), "same-site"),
        (PATH, "GET", (BASE,), "no-browser"),
        (replace(PATH, sandbox=False), "POST", ("Origin: null", BASE), NOT_THIS_WORKSPACE),
    ],
)  # fmt: skip
def test_a_workspace(placement: Placement, method: str, lines: tuple[str, ...], expected: str) -> None:
    assert workspace(*lines, method=method, placement=placement) == expected


@pytest.mark.parametrize(
    ("method", "lines", "navigation", "page"),
    [
        ("GET", ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), True, True),
        ("HEAD", ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), True, True),
        ("POST", ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), True, False),
        ("GET", ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), True, True),
        ("GET", ("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: document", "Accept: text/html"), False, False),
        ("GET", ("Sec-Fetch-Dest: document",), False, False),
        ("GET", ("Accept: text/html, */*",), True, True),
        ("GET", ("Accept: */*",), False, False),
        ("POST", ("Accept: text/html",), False, False),
        ("GET", ("Accept: text/html", *SOCKET), False, False),
        ("GET", (), False, False),
    ],
)
def test_what_a_navigation_is(method: str, lines: tuple[str, ...], navigation: bool, page: bool) -> None:
    made = head(*lines, method=method)
    assert (cross_origin.is_navigation(made), path_form.opens_page(made)) == (navigation, page)


@pytest.mark.parametrize(
    ("lines", "vouched", "program"),
    [
        ((), False, True),
        (("Accept: */*",), False, True),
        (("Cookie: a=b",), False, False),
        (("Cookie: a=b",), True, True),
        (("Accept: text/html",), False, False),
        (("Accept: text/html",), True, True),
        (("Sec-Fetch-Site: same-origin",), True, False),
        (("Sec-Fetch-Mode: cors",), False, False),
        (("Sec-Fetch-Dest: empty",), False, False),
        ((f"Origin: {CONTROL.origin}", *SOCKET), False, False),
        ((f"Origin: {CONTROL.origin}", *SOCKET), True, True),
        (SOCKET, False, True),
    ],
)
def test_what_a_program_is(lines: tuple[str, ...], vouched: bool, program: bool) -> None:
    assert path_form.is_program(head(*lines), vouched=vouched) is program


@pytest.mark.parametrize(
    ("method", "lines", "data"),
    [
        ("GET", ("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), True),
        ("HEAD", ("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"), True),
        ("POST", ("Sec-Fetch-Dest: empty",), False),
        ("GET", ("Sec-Fetch-Dest: script",), False),
        ("GET", ("Sec-Fetch-Dest: worker",), False),
        ("GET", ("Cookie: a=b",), False),
        ("GET", ("Sec-Fetch-Dest: empty", *SOCKET), False),
    ],
)
def test_what_is_only_read(method: str, lines: tuple[str, ...], data: bool) -> None:
    assert path_form.is_data(head(*lines, method=method)) is data


NOT_YOU = "403 cross_origin origin Another site's page may not log you in."
IN_A_TAB = "403 cross_origin fetch-site Open the login link in a tab of its own."
DOCUMENT = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), True),
        (("Sec-Fetch-Site: none", *DOCUMENT), True),
        (("Sec-Fetch-Site: same-origin", *DOCUMENT), True),
        ((f"Origin: {CONTROL.origin}", "Sec-Fetch-Site: same-origin", *DOCUMENT), True),
        (("Sec-Fetch-Site: cross-site", *DOCUMENT), False),
        (("Sec-Fetch-Site: same-site", *DOCUMENT), False),
        (("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"), IN_A_TAB),
        (("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), IN_A_TAB),
        (("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), IN_A_TAB),
        (("Sec-Fetch-Site: none",), IN_A_TAB),
        (("Sec-Fetch-Mode: cors",), IN_A_TAB),
        (("Origin: https://evil",), NOT_YOU),
        (("Origin: null",), NOT_YOU),
        ((f"Origin: {OWN.origin}", "Sec-Fetch-Site: same-site", *DOCUMENT), NOT_YOU),
    ],
)
def test_a_login_is_what_a_person_meant(lines: tuple[str, ...], expected: bool | str) -> None:
    try:
        found: bool | str = cross_origin.login(head(*lines), CONTROL)
    except Refusal as error:
        found = told(error)
    assert found == expected


def test_a_form_that_is_sent_is_no_login_link() -> None:
    with pytest.raises(Refusal) as found:
        cross_origin.login(head("Sec-Fetch-Site: same-origin", *DOCUMENT, method="POST"), CONTROL)
    assert told(found.value) == IN_A_TAB


@pytest.mark.parametrize(("trusted", "expected"), [(False, NO_WORKER), (True, "same-site")])
def test_a_service_worker_of_the_path_form_is_for_trusted_workspaces(trusted: bool, expected: str):
    """Service-Worker-Allowed is dropped there: its scope ends at its own folder, and it governs its workspace alone."""
    placement = path_placement(CONTROL, "/proxy/server/ws", trusted=trusted)
    worker = ("Service-Worker: script", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: same-origin")
    assert workspace(*worker, placement=placement) == expected
