"""Dispatch: one request head in, an answer or an upstream to forward to out.

Order on every site: name (Host), cross-origin guard, identity, access, target. Synchronous wherever
nobody has to be asked, so that the hot path is one call without a coroutine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from guildnet import identity as signed
from guildnet.identity import Identity
from guildnet.telemetry import logger
from guildnet.web import request_id
from guildnet_proxy.auth.authenticate import FORGED_SESSION, Authenticator, login_required
from guildnet_proxy.frontdoor import cross_origin, pages, target
from guildnet_proxy.frontdoor.memory import REQUEST_ID, Memory
from guildnet_proxy.frontdoor.own_routes import STATUS, TICKET, TUNNEL, OwnRoutes, after_login
from guildnet_proxy.frontdoor.request import Record, Request
from guildnet_proxy.frontdoor.way import Origin
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer, Decision, Forward, Listener, Outcome, Place
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.request_spans import RequestSpans
from guildnet_proxy.rewrite import own_answers, request_head
from guildnet_proxy.rewrite.request_head import TRACEPARENT, Caller
from guildnet_proxy.rewrite.response_head import ControlRules
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Site, Sites, path_placement

_API = "The api of this install"
_UNLOCKED = frozenset({b"/healthz", b"/readyz"})
_FOR_ANYONE = frozenset({b"/api/me", b"/api/ui-config"})
_PRIVATE, _PUBLIC = Listener("tailnet", private=True), Listener("tcp", private=False)


@dataclass(frozen=True, slots=True)
class Api:
    """Where the control origin's own paths go; `ui` is a development server for everything but the api."""

    place: Place
    key: bytes
    frontend: str
    ui: Place | None = None


class FrontDoor:
    """Decides about every request; `denied` is told of each 401 and 403, `wall` gives Unix seconds."""

    def __init__(
        self,
        sites: Sites,
        authenticator: Authenticator,
        workspaces: Workspaces,
        own_routes: OwnRoutes,
        api: Api,
        *,
        wall: Callable[[], float],
        denied: Callable[[Record, Refusal], None],
        spans: RequestSpans | None = None,
    ) -> None:
        self.sites = sites
        self.authenticator = authenticator
        self.workspaces = workspaces
        self._own_routes = own_routes
        self._api = api
        self._wall = wall
        self._denied = denied
        self._spans = spans
        self._memory = Memory(sites, authenticator, workspaces)

    def record(self, now: float) -> Record:
        """The record of a request that begins `now`; its id is replaced by the client's, if that is sane."""
        return Record(request_id.new(), now)

    def release(self, record: Record) -> None:
        """The request, or the relay it became, is over."""
        self.workspaces.release(record)

    def handle(self, head: RequestHead, listener: Listener, address: str, record: Record) -> Decision:
        """Never raises: whatever goes wrong is an answer."""
        try:
            known = head.block.slot
            if known is not None:
                forward = self._memory.recall(known, head, listener, address, record)
                if forward is not None:
                    return forward
            given = head.get(REQUEST_ID).decode("latin-1")
            if given and request_id.accepts(given):
                record.request_id = given
            record.method, record.path = head.method.decode(), head.path.decode("latin-1")
            site = self.sites.locate(head, listener)
            record.entry = site.entry.name
            came_from = address
            if listener.private:
                address = head.claims.get(b"x-forwarded-for", b"").decode("latin-1")
            record.address = address
            caller = Caller(address or "unknown", site)
            request = Request(head, listener, site, record, caller, came_from)
            decision = self._decided(request)
            return self._completed(decision, head, site, record) if isinstance(decision, Answer) else decision
        except Refusal as error:
            return self.refused(error, record, head)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer and the log the trace
            logger.exception("request failed", request_id=record.request_id)
            return self.refused(_internal(), record, head)

    def _decided(self, request: Request) -> Decision:
        return self._control(request) if request.site.control else self._own_origin(request)

    def refused(self, error: Refusal, record: Record, head: RequestHead | None = None) -> Answer:
        """The answer to a refusal; denials are audited."""
        record.rule = error.rule
        if error.denial:
            self._denied(record, error)
        if self._spans is not None and record.span is None:
            self._spans.begin(record, head.get(TRACEPARENT) if head is not None else b"")
        html = head is not None and cross_origin.is_navigation(head)
        if head is not None and html and error.status == 431:
            return pages.cookies_too_large(head, error, record.request_id)
        if head is not None and html and error.code == "bad_token" and record.kind != "workspace":
            answer = pages.login(after_login(head), record.request_id, error.message)
        else:
            answer = self._refusal(error, record, html=html)
        if head is None or not record.entry:
            return answer
        try:
            site = self.sites.locate(head, _PRIVATE if record.entry == "tailnet" else _PUBLIC)
        except Refusal:  # its name is another's by now
            return answer
        return self._completed(answer, head, site, record)

    def _refusal(self, error: Refusal, record: Record, *, html: bool) -> Answer:
        home = next((entry.origin for entry in self.sites.all() if entry.name == record.entry), "")
        # A workspace's error page is shown in the UI's frame.
        frames = home if home and record.kind == "workspace" else "'none'"
        step = None
        if html and record.workspace:
            workspace = self.workspaces.index.find(record.workspace)
            step = pages.next_step(error, workspace, record.identity, self.workspaces.decide, home)
        return pages.refusal(error, record.request_id, html=html, frames=frames, home=home, step=step)

    def _completed(self, answer: Answer, head: RequestHead, site: Site, record: Record) -> Answer:
        cors = own_answers.reader(head, site, self._api.frontend)
        return own_answers.completed(answer, site, cors, record.request_id)

    # ---- control origin ---------------------------------------------------------------------------------------------

    def _control(self, request: Request) -> Decision:
        path = request.head.path
        record = request.record
        if target.is_proxy_path(path):
            return self._path_form(request)
        if self._spans is not None:
            request.traceparent = self._spans.begin(record, request.head.get(TRACEPARENT))
        if request.head.method == b"OPTIONS" and b"access-control-request-method" in request.head.values:
            cors = own_answers.reader(request.head, request.site, self._api.frontend)
            if cors:
                return own_answers.preflight(request.site, cors, record.request_id)
        if path == b"/login":
            record.kind = "local"
            return self._caught(request, self._own_routes.login(request))
        if path == b"/logout":
            record.kind = "local"
            return self._caught(request, self._own_routes.logout(request))
        if path == b"/api/proxy-debug":
            record.kind = "local"
            cross_origin.control(request.head, request.site, self._api.frontend)
            return self._identified(request, None, self._own_routes.debug(request, self.sites, self._decided))
        if path.startswith(b"/.guildnet/"):
            record.kind = "local"
            if path == TUNNEL.encode():
                cross_origin.control(request.head, request.site, self._api.frontend)
                return self._identified(request, None, lambda who: self._own_routes.tunnel(request, who))
            if path == STATUS.encode():
                cross_origin.control(request.head, request.site, "")
                return self._identified(request, None, lambda who: self._own_routes.status_of_path(request, who))
            if path != TICKET.encode():
                raise _nothing_here()
            return self._identified(request, None, lambda who: self._ticket(request, who))
        record.kind = "api"
        return self._to_api(request)

    def _ticket(self, request: Request, who: Identity) -> Outcome:
        self._tell_forged(request, who)
        return self._own_routes.issue_ticket(request, who)

    def _to_api(self, request: Request) -> Decision:
        head, site = request.head, request.site
        passed = cross_origin.control(head, site, self._api.frontend)
        if head.path in _UNLOCKED:
            return self._api_forward(request, None, passed.cors)
        return self._identified(request, None, lambda who: self._known_to_api(request, who, passed.cors))

    def _known_to_api(self, request: Request, who: Identity, cors: bytes) -> Decision:
        """Anonymous callers get the login page or 401; only files of the UI and two harmless answers are theirs."""
        head = request.head
        if who.kind == "anonymous" and head.path not in _FOR_ANYONE:
            if cross_origin.is_navigation(head):
                self._tell_forged(request, who)
                next_ = head.target.decode("latin-1")
                return pages.login(next_, request.record.request_id)
            if not _is_ui_file(head.path):
                raise login_required()
        return self._api_forward(request, who, cors)

    def _api_forward(self, request: Request, who: Identity | None, cors: bytes) -> Forward:
        head, site = request.head, request.site
        if who is not None:
            self.workspaces.admit_caller(request.record, who, upgrade=head.upgrade)
        rid = request.record.request_id.encode()
        rules = ControlRules(own_answers.page_headers(site), cors)
        sent = request_head.to_api(head.block, request.caller, request.traceparent)
        if self._api.ui is not None and not head.path.startswith((b"/api", b"/sse", b"/healthz", b"/readyz")):
            return Forward((self._api.ui,), sent.head(head.method, head.target, rid), rules, rid, _API)
        if who is None:
            return Forward((self._api.place,), sent.head(head.method, head.target, rid), rules, rid, _API)
        path = head.path.decode("latin-1")
        token = signed.sign(who, self._api.key, method=head.method.decode(), path=path, now=self._wall())
        return Forward((self._api.place,), sent.signed_head(head.method, head.target, rid, token), rules, rid, _API)

    # ---- workspaces -------------------------------------------------------------------------------------------------

    def _path_form(self, request: Request) -> Decision:
        request.record.kind = "workspace"
        asked = target.parse(request.head.target)
        placement = path_placement(request.site, asked.base, trusted=self.workspaces.policy.path_trusted)
        cors = cross_origin.workspace(request.head, placement).cors
        if isinstance(asked, target.WorkspaceTarget):
            return self._identified(request, None, lambda who: self.workspaces.by_path(request, who, asked, cors))
        return self._identified(request, None, lambda who: self.workspaces.by_host(request, who, asked, cors))

    def _own_origin(self, request: Request) -> Decision:
        request.record.kind = "workspace"
        head, site = request.head, request.site
        origin = self.workspaces.of_site(site)
        workspace = origin.workspace
        request.record.workspace = workspace.name
        if head.path == TICKET.encode() and site.own_session and head.method == b"GET":
            return self._own_routes.ticket(request, workspace)
        passed = cross_origin.workspace(head, origin.placement)
        uid = workspace.uid if site.own_session else None
        if head.path.startswith(b"/.guildnet/"):
            if head.path != STATUS.encode():
                raise _nothing_here()
            return self._identified(request, uid, lambda who: self._own_routes.status(request, who, origin))
        return self._identified(request, uid, lambda who: self._on_own_origin(request, who, origin, passed.cors))

    def _on_own_origin(self, request: Request, who: Identity, origin: Origin, cors: bytes) -> Decision:
        """A person without a session here is sent to the control origin for a ticket."""
        head = request.head
        opens = head.method == b"GET" and cross_origin.is_navigation(head)
        if who.kind == "anonymous" and request.site.own_session and (opens or cors):
            self._tell_forged(request, who)
            ask = self._own_routes.ask_for_ticket
            return ask(request, origin.workspace) if opens else self._own_routes.before_the_first_visit(request, cors)
        return self.workspaces.on_own_origin(request, who, origin, cors)

    # ---- identity ---------------------------------------------------------------------------------------------------

    def _identified(self, request: Request, uid: str | None, then: Callable[[Identity], Decision]) -> Decision:
        """`then` with the caller's identity: at once where it is known."""
        if request.assumed is not None:
            request.record.identity, request.record.who = request.assumed, request.assumed.subject
            return then(request.assumed)
        head, listener, site = request.head, request.listener, request.site
        request.record.credential = self.authenticator.credential(head, listener, site, uid, request.caller.address)
        who = self.authenticator.identify(head, listener, site, uid, request.caller.address)
        if not isinstance(who, Identity):
            return self._caught(request, self._after(request, who, then))
        request.record.identity, request.record.who = who, who.subject
        decision = self._answered(request, then, who)
        if request.way is not None:
            self._memory.keep(request, who, uid)
        return decision if isinstance(decision, Answer | Forward) else self._caught(request, decision)

    async def _after(
        self, request: Request, asked: Awaitable[Identity], then: Callable[[Identity], Decision]
    ) -> Outcome:
        who = await asked
        request.record.identity, request.record.who = who, who.subject
        decision = self._answered(request, then, who)
        return decision if isinstance(decision, Answer | Forward) else await decision

    def _tell_forged(self, request: Request, who: Identity) -> None:
        """A session that is not ours leaves a line also where the answer is a way to log in, which is no refusal."""
        if who.source == FORGED_SESSION:
            self._denied(request.record, login_required())

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
            outcome = await decision
            if isinstance(outcome, Answer):
                return self._completed(outcome, request.head, request.site, request.record)
            return outcome
        except Refusal as error:
            return self.refused(error, request.record, request.head)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer and the log the trace
            logger.exception("request failed", request_id=request.record.request_id)
            return self.refused(_internal(), request.record, request.head)


def _is_ui_file(path: bytes) -> bool:
    """A plain path outside the api, spelled so that no decoding could turn it into one of the api's."""
    return not path.startswith((b"/api", b"/sse", b"//")) and not any(
        mark in path for mark in (b"%", b"\\", b"//", b"..")
    )


def _internal() -> Refusal:
    message = "Something went wrong here; the request id finds it in the log."
    return Refusal(500, "internal", message, rule=Rule.INTERNAL, close=True)


def _nothing_here() -> Refusal:
    return Refusal(404, "not_found", "There is nothing here.", rule=Rule.NOT_FOUND)
