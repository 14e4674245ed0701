"""CSRF guard: Origin and Fetch Metadata. Pure.

Our authority is the network (or a cookie), not a secret the page knows, so a foreign page's requests arrive with the
visitor's identity. The same guard therefore stands on the control origin and on every workspace origin, each with its
own origin: what a browser says about a request's source (Origin, Sec-Fetch-*) has to fit, or nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Placement, Site

_SAFE = frozenset({b"GET", b"HEAD"})
_OWN_SITE = frozenset({b"", b"same-origin", b"none"})
_DOCUMENTS = frozenset({b"document", b"iframe", b"frame", b""})


@dataclass(frozen=True, slots=True)
class Passed:
    """Let through by `rule`; `cors` is the origin to name in the answer, empty for none."""

    rule: Rule
    cors: bytes = b""


_OWN_ORIGIN, _SAME_SITE, _NO_BROWSER = Passed(Rule.OWN_ORIGIN), Passed(Rule.SAME_SITE), Passed(Rule.NO_BROWSER)


def is_navigation(head: RequestHead) -> bool:
    """A browser opening a document; by Accept where the client sends no Sec-Fetch-Mode."""
    mode = head.get(b"sec-fetch-mode")
    if mode:
        return mode == b"navigate"
    return head.method == b"GET" and b"text/html" in head.get(b"accept") and not head.upgrade


def _is_document_navigation(head: RequestHead) -> bool:
    """A top-level one, as the browser says."""
    return (
        head.method in _SAFE
        and head.get(b"sec-fetch-mode") == b"navigate"
        and head.get(b"sec-fetch-dest") == b"document"
    )


def login(head: RequestHead, site: Site) -> bool:
    """Is this login what a person meant? False where another site's page may have led them here: they are to be asked.

    A login changes whom the browser acts for, by a GET: no page may start one unseen, neither by an image nor in a
    frame. Raises Refusal 403. Programs, which send nothing of this, mean what they ask for.
    """
    origin, source = head.get(b"origin"), head.get(b"sec-fetch-site")
    if origin and origin != site.origin.encode() and not (origin == b"null" and source == b"same-origin"):
        raise _denied("Another site's page may not log you in.", Rule.ORIGIN)
    if (source or head.get(b"sec-fetch-mode")) and not _is_document_navigation(head):
        raise _denied("Open the login link in a tab of its own.", Rule.FETCH_SITE)
    return source in _OWN_SITE


def control(head: RequestHead, site: Site, frontend: str) -> Passed:
    """The control origin's own pages and the configured frontend; raises Refusal 403 or 415."""
    passed = _control_source(head, site, frontend)
    if head.method not in _SAFE and head.has_body:
        kind = head.get(b"content-type").partition(b";")[0].strip().lower()
        if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
            raise Refusal(415, "unsupported_media_type", "Send the body as application/json.", rule=Rule.CONTENT_TYPE)
    return passed


def _control_source(head: RequestHead, site: Site, frontend: str) -> Passed:
    origin = head.get(b"origin")
    if origin:
        if origin == site.origin.encode() or _is_own_page(head):
            return _OWN_ORIGIN
        if frontend and origin == frontend.encode():
            return Passed(Rule.FRONTEND_ORIGIN, cors=origin)
        raise _denied("The page this request came from may not use this install.", Rule.ORIGIN)
    return _by_fetch_site(head)


def workspace(head: RequestHead, placement: Placement) -> Passed:
    """A workspace's own pages, on its own origin or below its base on the control origin; raises Refusal 403."""
    if placement.sandbox and head.get(b"service-worker").lower() == b"script":
        raise _denied("Service workers need the workspace's own origin.", Rule.SERVICE_WORKER)
    origin = head.get(b"origin")
    own = placement.origin.encode()
    if origin:
        if origin == own or _is_own_page(head):
            return _OWN_ORIGIN
        if origin == placement.control.encode() and head.method in _SAFE and not head.upgrade:
            return Passed(Rule.CONTROL_ORIGIN, cors=origin)
        raise _denied("Another site's page may not use this workspace.", Rule.ORIGIN)
    return _by_fetch_site(head)


def _is_own_page(head: RequestHead) -> bool:
    """A page under `Referrer-Policy: no-referrer` sends its own forms with `Origin: null` (Fetch, "append a request
    Origin header"). No other page gets `same-origin` from its browser, a sandboxed one neither."""
    null = head.get(b"origin") == b"null" and head.get(b"sec-fetch-site") == b"same-origin"
    return null and not head.upgrade


def _by_fetch_site(head: RequestHead) -> Passed:
    """No Origin was sent. A WebSocket handshake of a browser always carries one, so this is none."""
    site = head.get(b"sec-fetch-site")
    if site in _OWN_SITE:
        return _SAME_SITE if site else _NO_BROWSER
    navigates = head.get(b"sec-fetch-mode") == b"navigate" and head.get(b"sec-fetch-dest") in _DOCUMENTS
    if head.method == b"GET" and navigates:
        return Passed(Rule.NAVIGATION)
    raise _denied("Another site's page may not use this install.", Rule.FETCH_SITE)


def _denied(message: str, rule: Rule) -> Refusal:
    return Refusal(403, "cross_origin", message, rule=rule)
