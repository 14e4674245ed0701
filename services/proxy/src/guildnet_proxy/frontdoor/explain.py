"""`/api/proxy-debug`: what would become of a request, told instead of done.

The request that is asked about is made and decided by the front door itself, in the name of whoever asks; what is told
is what came out. Nothing is forwarded, counted, audited or asked of the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_proxy.cluster.index import declared_ports
from guildnet_proxy.frontdoor import cross_origin, target
from guildnet_proxy.frontdoor.request import Record, Request
from guildnet_proxy.frontdoor.resolve import path_mode
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer, Decision, Forward
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import RequestHead, parse_request
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Site, Sites, own_origin, own_placement, path_placement

Decide = Callable[[Request], Decision]
_SAME: Final = ("Sec-Fetch-Site: same-origin",)
AS: Final[Mapping[str, tuple[str, ...]]] = {
    "program": (),
    "page": ("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html"),
    "frame": ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Accept: text/html"),
    "data": (*_SAME, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"),
    "script": (*_SAME, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"),
    "socket": ("Connection: Upgrade", "Upgrade: websocket"),
}
"""Who asks, and what that one's request says of itself: a program, or a browser for a page of the site."""
_OWN_ROUTES: Final = frozenset({b"/login", b"/logout", b"/api/proxy-debug"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def asked_for(given: Mapping[str, str], request: Request, sites: Sites) -> Request:
    """The request that `given` describes, as if it came where `request` did; raises Refusal 400 and 421."""
    method, kind = given.get("method", "GET").upper(), given.get("as", "program")
    if method not in _METHODS or kind not in AS:
        message = f"`method` is one of {', '.join(sorted(_METHODS))}, `as` one of {', '.join(AS)}."
        raise Refusal(400, "bad_target", message, rule=Rule.BAD_TARGET)
    host, path = _address(given, request.site)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"X-Forwarded-Host: {host}", *AS[kind]]
    head = _parsed(lines)
    site = sites.locate(head, request.listener)
    origin = given.get("origin", site.origin if kind == "socket" else "")
    if origin:
        head = _parsed([*lines, f"Origin: {origin}"])
    record = Record(request.record.request_id, request.record.started)
    made = Request(head, request.listener, site, record, Caller(request.caller.address, site), request.address)
    made.vouched = kind == "program"
    return made


def _parsed(lines: list[str]) -> RequestHead:
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise Refusal(400, "bad_target", "An address and an Origin are of plain ASCII.", rule=Rule.BAD_TARGET)
    return parse_request("\r\n".join((*lines, "", "")).encode(), Limits())


def _address(given: Mapping[str, str], here: Site) -> tuple[str, str]:
    """Host and request target of what is asked about."""
    host = here.entry.origin.partition("://")[2]
    path = _encoded(given.get("path", "/"))
    if url := given.get("url"):
        parts = urlsplit(url)
        return parts.netloc or host, _encoded(parts.path or "/") + (f"?{_encoded(parts.query)}" if parts.query else "")
    if server := given.get("server"):
        port = f"/~{given['port']}" if given.get("port") else ""
        return host, f"/proxy/server/{quote(server, safe='')}{_encoded(port)}{path if path[:1] == '/' else '/' + path}"
    if given.get("to"):
        return host, "/proxy?" + urlencode({name: given[name] for name in ("to", "path", "scheme") if name in given})
    raise Refusal(400, "bad_target", "Give `url`, `server` or `to`.", rule=Rule.BAD_TARGET)


def _encoded(text: str) -> str:
    return quote(text, safe="/?%:@!$&'()*+,;=~-._")


async def explain(
    request: Request, identity: Identity, given: Mapping[str, str], workspaces: Workspaces, sites: Sites, decide: Decide
) -> dict[str, Any]:
    """`{server, path, rid, …}`; never an address of a workspace the caller may not use."""
    entry = request.site.entry
    shown: dict[str, Any] = {
        **{name: given.get(name, "/" if name == "path" else "") for name in ("server", "path", "to")},
        "rid": request.record.request_id,
        "version": version("guildnet-proxy"),
        "entry": {"name": entry.name, "mode": entry.mode},
        "identity": {"kind": identity.kind, "login": identity.login, "source": identity.source},
    }
    try:
        asked = asked_for(given, request, sites)
    except Refusal as error:
        return shown | _refused(error)
    asked.assumed = identity
    shown |= _asked(asked)
    if shown["form"] == "own-route":
        return shown | {"verdict": "own-route"}
    try:
        shown |= await _outcome(asked, workspaces, decide)
    except Refusal as error:
        shown |= _refused(error)
    finally:
        workspaces.release(asked.record)
    return shown | _known(asked, identity, workspaces)


def _asked(asked: Request) -> dict[str, Any]:
    head, site = asked.head, asked.site
    form = "api"
    if (head.path in _OWN_ROUTES and site.control) or head.path.startswith(b"/.guildnet/"):
        form = "own-route"
    elif not site.control:
        form = "own-origin"
    elif target.is_proxy_path(head.path):
        form = "server" if head.path.startswith(b"/proxy/server/") else "host-port"
    url = site.origin + head.target.decode("latin-1")
    return {"form": form, "request": {"method": head.method.decode(), "url": url}}


async def _outcome(asked: Request, workspaces: Workspaces, decide: Decide) -> dict[str, Any]:
    workspaces.admission.counts = False
    try:
        decision = decide(asked)
    finally:
        workspaces.admission.counts = True
    outcome = decision if isinstance(decision, Answer | Forward) else await decision
    if isinstance(outcome, Forward):
        return {"verdict": "forward", "rule": asked.record.rule} | _forwarded(asked, outcome)
    found = [line[10:] for line in outcome.headers.decode("latin-1").split("\r\n") if line.startswith("Location: ")]
    if found:
        return {"verdict": "redirect", "status": outcome.status, "location": found[0], "rule": asked.record.rule}
    return {"verdict": "answer", "status": outcome.status, "rule": asked.record.rule}


def _forwarded(asked: Request, forward: Forward) -> dict[str, Any]:
    if asked.record.kind == "api":
        return {}
    place = forward.places[0]
    host = place.server_name or place.address
    shown = f"[{host}]" if ":" in host else host
    return {
        "target": f"{'https' if place.tls else 'http'}://{shown}:{place.port}",
        "upstreamPath": forward.head.split(b" ", 2)[1].decode("latin-1"),
    }


def _refused(error: Refusal) -> dict[str, Any]:
    # What the caller may not know of is told as what is not there.
    rule = Rule.UNKNOWN if (error.status, error.code) == (404, "not_found") else error.rule
    return {"verdict": "refused", "status": error.status, "code": error.code, "rule": str(rule),
            "message": error.message}  # fmt: skip


def _known(asked: Request, identity: Identity, workspaces: Workspaces) -> dict[str, Any]:
    """What else bears on it: the guard, the caps; and of a workspace that the caller may know of the rule of access, of
    one that he may use path mode and own origin."""
    workspace, port = _located(asked, workspaces)
    if workspace is not None and not workspaces.knows(identity, workspace):
        workspace = None
    name = workspace.name if workspace is not None else ""
    shown: dict[str, Any] = {"gate": _gate(asked, workspaces), "caps": _caps(name, identity, workspaces)}
    if workspace is None:
        return shown
    decision = workspaces.decide(identity, workspace)
    shown["access"] = decision.rule
    if decision.allowed and (port is None or port in declared_ports(workspace)):
        shown["pathMode"] = path_mode(workspace, port)
        shown["origin"] = own_origin(workspace, asked.site.entry, port)
    return shown


def _located(asked: Request, workspaces: Workspaces) -> tuple[Workspace | None, int | None]:
    site = asked.site
    try:
        if not site.control:
            origin = workspaces.of_site(site)
            return origin.workspace, origin.port
        parsed = target.parse(asked.head.target) if target.is_proxy_path(asked.head.path) else None
    except Refusal:
        return None, None
    if isinstance(parsed, target.WorkspaceTarget):
        return workspaces.index.find(parsed.id), parsed.port
    return workspaces.index.workspaces.get(asked.record.workspace), parsed.port if parsed is not None else None


def _gate(asked: Request, workspaces: Workspaces) -> str:
    """The rule of the cross-origin guard."""
    head, site = asked.head, asked.site
    try:
        if not site.control:
            return cross_origin.workspace(head, own_placement(site)).rule.value
        if target.is_proxy_path(head.path):
            placement = path_placement(site, "/proxy", trusted=workspaces.policy.path_trusted)
            return cross_origin.workspace(head, placement).rule.value
        return cross_origin.control(head, site, "").rule.value
    except Refusal as refusal:
        return str(refusal.rule)


def _caps(name: str, identity: Identity, workspaces: Workspaces) -> dict[str, Any]:
    admission = workspaces.admission
    mine = admission.of(identity.subject)
    caps = {
        "requests": {"open": mine.requests, "limit": admission.requests},
        "upgrades": {"open": mine.upgrades, "limit": admission.upgrades},
    }
    return caps | ({"workspace": {"open": admission.active.get(name, 0), "limit": admission.streams}} if name else {})
