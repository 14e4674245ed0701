"""The front door's decision: one request head in, an answer or a place to forward to out.

Order on every site: name (Host), gate (where in a browser it came from), identity, access, target. Synchronous wherever
nobody has to be asked, so that the hot path is one call without a coroutine.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from guildnet import identity as signed
from guildnet.identity import Identity
from guildnet.telemetry import logger
from guildnet_proxy.auth.authenticate import Sources
from guildnet_proxy.frontdoor import cross_origin, pages, target
from guildnet_proxy.frontdoor.own_routes import TICKET, Local
from guildnet_proxy.frontdoor.pages import Answer
from guildnet_proxy.frontdoor.request import Request, anonymous_refusal, frame_sources
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Decision, Forward, Outcome, Place, Record
from guildnet_proxy.http.head import RequestHead
from guildnet_proxy.rewrite import request_head
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.rewrite.response_head import ControlRules, control_headers
from guildnet_proxy.sites import Entries, Listener, own_placement, path_placement

_UNLOCKED = frozenset({b"/healthz", b"/readyz"})
_FOR_ANYONE = frozenset({b"/api/me", b"/api/ui-config"})
_PREFLIGHT = (
    b"Access-Control-Allow-Methods: GET, HEAD, POST, PATCH, DELETE\r\n"
    b"Access-Control-Allow-Headers: Content-Type, If-Match, If-None-Match, Last-Event-ID, X-Request-Id, "
    b"Authorization\r\n"
    b"Access-Control-Max-Age: 600\r\n"
)


@dataclass(frozen=True, slots=True)
class Api:
    """Where the control origin's own paths go; `ui` is a development server for everything but the api."""

    place: Place
    key: bytes
    frontend: str
    ui: Place | None = None


class FrontDoor:
    def __init__(
        self,
        entries: Entries,
        sources: Sources,
        workspaces: Workspaces,
        local: Local,
        api: Api,
        *,
        wall: Callable[[], float],
        denied: Callable[[Record, Refusal], None],
    ) -> None:
        self.entries = entries
        self.sources = sources
        self.workspaces = workspaces
        self._local = local
        self._api = api
        self._wall = wall
        self._denied = denied

    def handle(self, head: RequestHead, listener: Listener, address: str, record: Record) -> Decision:
        """Never raises: whatever goes wrong is an answer."""
        try:
            record.request_id = request_head.request_id(head, record.request_id.encode()).decode()
            record.method, record.path = head.method.decode(), head.path.decode("latin-1")
            site = self.entries.locate(head, listener)
            record.entry = site.entry.name
            if listener.private:
                address = head.claims.get(b"x-forwarded-for", b"").decode("latin-1")
            caller = Caller(address or "unknown", site, record.request_id.encode())
            request = Request(head, listener, site, record, caller)
            if site.control:
                return self._control(request)
            return self._own_origin(request)
        except Refusal as error:
            return self.refused(error, record, head)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer and the log the trace
            logger.exception("request failed", request_id=record.request_id)
            return self.refused(_internal(), record, head)

    def refused(self, error: Refusal, record: Record, head: RequestHead | None = None) -> Answer:
        """The answer to a refusal; denials are audited."""
        record.rule = error.rule
        if error.status in {401, 403}:
            self._denied(record, error)
        html = head is not None and cross_origin.is_navigation(head)
        return pages.refusal(error, record.request_id, html=html, frames=self._frames(record))

    def _frames(self, record: Record) -> str:
        """Who may frame an error page: a workspace's is shown in the UI's frame."""
        if record.kind != "workspace":
            return "'none'"
        return " ".join(entry.origin for entry in self.entries.all() if entry.name == record.entry) or "'none'"

    # ---- control origin ---------------------------------------------------------------------------------------------

    def _control(self, request: Request) -> Decision:
        path = request.head.path
        record = request.record
        if target.is_proxy_path(path):
            return self._path_form(request)
        if path == b"/login":
            record.kind = "local"
            return self._caught(request, self._local.login(request))
        if path == b"/logout":
            record.kind = "local"
            return self._local.logout(request)
        if path == b"/api/proxy-debug":
            record.kind = "local"
            cross_origin.control(request.head, request.site, self._api.frontend)
            return self._identified(request, None, lambda who: self._local.debug(request, who))
        if path.startswith(b"/.guildnet/"):
            record.kind = "local"
            if path != TICKET.encode():
                raise Refusal(404, "not_found", "There is nothing here.")
            return self._identified(request, None, lambda who: self._local.issue_ticket(request, who))
        record.kind = "api"
        return self._to_api(request)

    def _to_api(self, request: Request) -> Decision:
        head, site = request.head, request.site
        passed = cross_origin.control(head, site, self._api.frontend)
        if head.method == b"OPTIONS" and passed.cors and b"access-control-request-method" in head.values:
            lines = control_headers(frame_sources(site), passed.cors, request.caller.request_id, default_policy=True)
            return Answer(204, b"", lines + _PREFLIGHT)
        if head.path in _UNLOCKED:
            return self._api_forward(request, None, passed.cors)
        return self._identified(request, None, lambda who: self._known_to_api(request, who, passed.cors))

    def _known_to_api(self, request: Request, who: Identity, cors: bytes) -> Decision:
        """Anonymous callers get the login page or 401; only files of the UI and two harmless answers are theirs."""
        head = request.head
        request.record.identity, request.record.who = who, who.subject
        if who.kind == "anonymous" and head.path not in _FOR_ANYONE:
            if cross_origin.is_navigation(head):
                next_ = head.target.decode("latin-1")
                return pages.login(next_, request.record.request_id)
            if not _is_ui_file(head.path):
                raise anonymous_refusal()
        return self._api_forward(request, who, cors)

    def _api_forward(self, request: Request, who: Identity | None, cors: bytes) -> Forward:
        head, site = request.head, request.site
        token = None
        if who is not None:
            path = head.path.decode("latin-1")
            token = signed.sign(who, self._api.key, method=head.method.decode(), path=path, now=self._wall())
        rid = request.caller.request_id
        rules = ControlRules(frame_sources(site), cors, rid, https=site.origin.startswith("https:"))
        place = self._api.place
        if self._api.ui is not None and not head.path.startswith((b"/api", b"/sse", b"/healthz", b"/readyz")):
            place, token = self._api.ui, None
        return Forward((place,), request_head.to_api(head, request.caller, token), rules)

    # ---- workspaces -------------------------------------------------------------------------------------------------

    def _path_form(self, request: Request) -> Decision:
        request.record.kind = "workspace"
        asked = target.parse(request.head.target)
        trusted = self.workspaces.policy.path_trusted
        if isinstance(asked, target.ServerTarget):
            passed = cross_origin.workspace(
                request.head, path_placement(request.site, f"/proxy/server/{asked.id}", trusted=trusted)
            )
            return self._identified(
                request, None, lambda who: self.workspaces.by_path(request, who, asked, passed.cors)
            )
        passed = cross_origin.workspace(
            request.head, path_placement(request.site, f"/proxy/{asked.authority}", trusted=trusted)
        )
        return self._identified(request, None, lambda who: self.workspaces.by_host(request, who, asked, passed.cors))

    def _own_origin(self, request: Request) -> Decision:
        request.record.kind = "workspace"
        head, site = request.head, request.site
        table = self.workspaces.table
        found = table.by_label(site.label) if site.label is not None else table.by_port(site.port or 0)
        if found is None:
            message = "No workspace has this address (any more). Open it from the list of workspaces."
            raise Refusal(404, "not_found", message, rule="unknown")
        workspace = found
        request.record.workspace = workspace.name
        session_uid = workspace.uid if site.label is not None else None
        path = head.path
        if path == TICKET.encode() and site.label is not None and head.method == b"GET":
            return self._local.redeem_ticket(request, workspace)
        passed = cross_origin.workspace(head, own_placement(site))
        if path.startswith(b"/.guildnet/"):
            if path != b"/.guildnet/status":
                raise Refusal(404, "not_found", "There is nothing here.")
            return self._identified(request, session_uid, lambda who: self._local.status(request, who, workspace))

        def go(who: Identity) -> Decision:
            if (
                who.kind == "anonymous"
                and site.label is not None
                and head.method == b"GET"
                and cross_origin.is_navigation(head)
            ):
                return self._local.ask_for_ticket(request, workspace)
            return self.workspaces.on_own_origin(request, who, workspace, passed.cors)

        return self._identified(request, session_uid, go)

    # ---- identity ---------------------------------------------------------------------------------------------------

    def _identified(self, request: Request, uid: str | None, then: Callable[[Identity], Decision]) -> Decision:
        """`then` with the caller's identity: at once where it is known."""
        who = self.sources.identify(request.head, request.listener, request.site, uid)
        if not isinstance(who, Identity):
            return self._caught(request, _after(who, then))
        decision = self._answered(request, then, who)
        return decision if isinstance(decision, Answer | Forward) else self._caught(request, decision)

    def _answered(self, request: Request, then: Callable[[Identity], Decision], who: Identity) -> Decision:
        try:
            return then(who)
        except Refusal as error:
            if error.status == 401 and cross_origin.is_navigation(request.head) and request.site.control:
                self._denied(request.record, error)
                return pages.login(request.head.target.decode("latin-1"), request.record.request_id)
            raise

    async def _caught(self, request: Request, decision: Awaitable[Outcome]) -> Outcome:
        try:
            return await decision
        except Refusal as error:
            return self.refused(error, request.record, request.head)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer and the log the trace
            logger.exception("request failed", request_id=request.record.request_id)
            return self.refused(_internal(), request.record, request.head)


async def _after(who: Awaitable[Identity], then: Callable[[Identity], Decision]) -> Outcome:
    decision = then(await who)
    return decision if isinstance(decision, Answer | Forward) else await decision


def _is_ui_file(path: bytes) -> bool:
    """A plain path outside the api, spelled so that no decoding could turn it into one of the api's."""
    return not path.startswith((b"/api", b"/sse", b"//")) and not any(
        mark in path for mark in (b"%", b"\\", b"//", b"..")
    )


def _internal() -> Refusal:
    return Refusal(500, "internal", "Something went wrong here; the request id finds it in the log.", close=True)


def new_request_id() -> str:
    return secrets.token_hex(16)
