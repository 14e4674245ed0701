"""Own routes: login, logout, tickets, a workspace origin's status, proxy-debug.

A ticket's way begins at the workspace's origin, which signs what it knows of the browser, and the control origin
honours it for the session that the browser is marked with: a page cannot have one made for another browser.

They are functions from a Request to an Answer on the engine's own connection: none needs a request body, and a second
HTTP parser behind the first would be one more pair that can disagree about where a request ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qsl, quote, unquote

from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_proxy.auth.authenticate import Authenticator, login_required
from guildnet_proxy.auth.bearer import bearer, expiry, token_id
from guildnet_proxy.auth.sessions import NONCE_SECONDS, Session, TooLong, cookie, new_nonce
from guildnet_proxy.frontdoor import cross_origin, pages, target
from guildnet_proxy.frontdoor.explain import Decide, explain
from guildnet_proxy.frontdoor.request import Record, Request
from guildnet_proxy.frontdoor.resolve import no_such_id
from guildnet_proxy.frontdoor.way import Origin
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer, Forward, Outcome
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.tunnel.handshake import accepted
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.rewrite.response_head import ControlRules
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import SharedJar, Sites, ticket_origin

TICKET = "/.guildnet/ticket"
TUNNEL = "/.guildnet/tcp"
MAX_PORT = 65535
TOKEN_SECONDS = 366 * 86400
"""How long a token that says nothing of its end is remembered as ended."""
STATUS = pages.STATUS


def query(request: Request) -> dict[str, str]:
    """The query as text; the first of each name counts."""
    return _query(request.head)


def after_login(head: RequestHead) -> str:
    """Where a login page that answers this request leads on to."""
    given = _query(head).get("next", "/") if head.path == b"/login" else head.target.decode("latin-1")
    return safe_next(given)


def _query(head: RequestHead) -> dict[str, str]:
    text = head.target.partition(b"?")[2].decode("latin-1")
    found: dict[str, str] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(key, value)
    return found


def safe_next(text: str) -> str:
    """A path of the same origin to go on to; anything else becomes `/`."""
    bad = not text.startswith("/") or text.startswith(("//", "/\\")) or any(ord(char) < 0x21 for char in text)
    return "/" if bad or not text.isascii() or _changes_who(text) else text


def _changes_who(text: str) -> bool:
    """Would a browser that goes there be logged in again, as whoever made the link? It resolves dots, also encoded."""
    path = text.partition("?")[0].partition("#")[0].replace("\\", "/")
    parts = [unquote(part) for part in path.split("/")]
    return "." in parts or ".." in parts or path in {"/login", "/logout"}


def _wrong_method(message: str) -> Refusal:
    return Refusal(405, "method_not_allowed", message, rule=Rule.METHOD_NOT_ALLOWED)


class OwnRoutes:
    """`audit` gets (record, what, object) for session openings and ends; `wall` gives Unix seconds."""

    def __init__(
        self,
        workspaces: Workspaces,
        authenticator: Authenticator,
        wall: Callable[[], float],
        audit: Callable[[Record, str, str], None],
        frontend: str = "",
    ) -> None:
        self._workspaces = workspaces
        self._authenticator = authenticator
        self._sessions = authenticator.sessions
        self._wall = wall
        self._audit = audit
        self._frontend = frontend

    # ---- control origin ---------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Outcome:
        """GET /login?token=&next=: a token becomes a session cookie, once.

        The person is asked where another site's page led here, and where somebody else is logged in.
        """
        if request.head.method not in {b"GET", b"HEAD"}:
            raise _wrong_method("Log in with GET /login?token=….")
        given = query(request)
        next_, id_ = safe_next(given.get("next", "/")), request.record.request_id
        if request.listener.tailnet:
            # The tailnet says who is there; ports share cookies, so there is no session.
            return pages.redirect(next_, request_id=id_)
        token = given.get("token", "").strip()
        if not token:
            return pages.login(next_, id_)
        meant = cross_origin.login(request.head, request.site)
        identity = await self._authenticator.by_token(token, request.site.entry, request.caller.address)
        held = self._session(request)
        another = held is not None and held.identity.subject != identity.subject
        answered = request.head.get(b"sec-fetch-site") == b"same-origin"
        if not meant or (another and not answered):
            request.record.rule = Rule.CONFIRM
            return pages.confirm(identity.subject, held.identity.subject if held else "", token, next_)
        request.record.identity, request.record.who = identity, identity.subject
        session = self._sessions.begin(identity, self._wall(), token, expiry(token))
        try:
            value = self._sessions.value(session, request.site.entry)
        except TooLong:
            message = "This token is too long for a browser to keep. Log in with one of `kubectl create token`."
            raise Refusal(401, "bad_token", message, rule=Rule.TOKEN_REVIEW) from None
        self._audit(request.record, "login", "")
        kept = cookie(self._sessions.names.session, value, int(session.expires - self._wall()))
        return pages.redirect(next_, kept, *self._marked(request, session), request_id=id_)

    async def logout(self, request: Request) -> Outcome:
        """POST /logout: ends the session, or a program's token, on every origin, with what is open of it."""
        if request.head.method != b"POST":
            raise _wrong_method("Log out with POST /logout.")
        cross_origin.control(request.head, request.site, self._frontend)
        token = bearer(request.head, self._authenticator.audience)
        if token is not None and not request.listener.tailnet:
            return await self._end_token(request, token)
        session = self._session(request)
        if session is not None:
            request.record.identity, request.record.who = session.identity, session.identity.subject
        self._audit(request.record, "logout", "")
        if session is not None:
            self._authenticator.ended.end(session.id, session.expires)
        gone = cookie(self._sessions.names.session, "", 0)
        return pages.redirect("/", gone, *self._marked(request, None), request_id=request.record.request_id)

    async def _end_token(self, request: Request, token: str) -> Outcome:
        """The token is good for nothing here any more. Raises Refusal 401 for one that is not good anyway: nobody fills
        the list with what was never a token."""
        identity = await self._authenticator.by_token(token, request.site.entry, request.caller.address)
        request.record.identity, request.record.who = identity, identity.subject
        self._audit(request.record, "logout", "")
        until = min(expiry(token), self._wall() + TOKEN_SECONDS)
        self._authenticator.ended.end(token_id(token), until)
        return Answer(204)

    def _marked(self, request: Request, session: Session | None) -> tuple[bytes, ...]:
        """The cookie by which workspace origins know which session the browser has; None takes it away."""
        entry = request.site.entry
        if entry.mode != "host" or request.listener.tailnet:
            return ()
        value = "" if session is None else self._sessions.mark(session)
        seconds = 0 if session is None else int(session.expires - self._wall())
        return (cookie(self._sessions.names.mark, value, seconds, domain=entry.host),)

    def debug(self, request: Request, sites: Sites, decide: Decide) -> Callable[[Identity], Awaitable[Outcome]]:
        """GET /api/proxy-debug: what would become of a request for `url`, for `server`, `port` and `path`, or `to`."""

        async def told(identity: Identity) -> Outcome:
            if identity.kind == "anonymous":
                raise login_required()
            if request.head.method != b"GET":
                raise _wrong_method("Ask with GET /api/proxy-debug?server=….")
            shown = await explain(request, identity, query(request), self._workspaces, sites, decide)
            return pages.as_json(200, shown, request_id=request.record.request_id)

        return told

    async def tunnel(self, request: Request, identity: Identity) -> Outcome:
        """GET /.guildnet/tcp?server=&port=: a WebSocket whose binary messages are a TCP connection's bytes."""
        record, given = request.record, query(request)
        record.kind = "workspace"
        number = given.get("port", "")
        if not (number.isascii() and number.isdigit() and 0 < int(number[:6]) <= MAX_PORT):
            raise target.bad_target("`port` is a number from 1 to 65535.", Rule.PORT)
        rid = record.request_id.encode()
        places = await self._workspaces.by_port(request, identity, given.get("server", ""), int(number))
        answer = accepted(request.head, Rule.TUNNEL, b"X-Request-Id: " + rid + b"\r\n")
        return Forward(places, answer, ControlRules((), b""), rid, tunnel=True)

    def issue_ticket(self, request: Request, identity: Identity) -> Outcome:
        """Control side of the hand-over: who has a session here gets a ticket for the workspace's own origin, where
        that asked for it in this very browser."""
        given = query(request)
        if identity.kind == "anonymous":
            return pages.login(safe_next(request.head.target.decode("latin-1")), request.record.request_id)
        start = self._sessions.read_start(given.get("start", ""), self._wall())
        if start is None:
            message = "This link has expired. Open the workspace again."
            raise Refusal(403, "bad_ticket", message, rule=Rule.TICKET)
        found = self._workspaces.index.by_label(start.label)
        if found is None:
            raise Refusal(404, "not_found", "There is no such workspace origin.", rule=Rule.TICKET)
        workspace = found[0]
        self._workspaces.authorize(request, identity, workspace)
        request.record.workspace = workspace.name
        session = self._session(request)
        if session is None:
            message = "A ticket is for a browser with a session; a program sends its token to the workspace itself."
            raise Refusal(403, "bad_ticket", message, rule=Rule.TICKET)
        where = f"{ticket_origin(request.site.entry, start.label)}{TICKET}"
        next_ = quote(safe_next(given.get("next", "/")), safe="")
        if session.id not in start.marks:
            if start.again:
                message = "This browser keeps no cookie for the workspaces' names. Allow cookies and open it again."
                raise Refusal(403, "bad_ticket", message, rule=Rule.TICKET)
            return pages.redirect(f"{where}?again=1&next={next_}", *self._marked(request, session))
        session = replace(session, identity=identity)
        ticket = self._sessions.ticket(session, start.label, workspace.uid, start.nonce, self._wall())
        return pages.redirect(f"{where}?ticket={ticket}&next={next_}")

    def _session(self, request: Request) -> Session | None:
        names = self._sessions.names
        value = cookies.value_of(request.head.get(b"cookie").decode("latin-1"), names.session)
        return self._authenticator.session_of(value, request.site.entry, None) if value else None

    # ---- workspace origin -------------------------------------------------------------------------------------------

    def ticket(self, request: Request, workspace: Workspace) -> Outcome:
        """GET /.guildnet/ticket: with a ticket the last step, without one the first one again, now with a mark."""
        if "again" in query(request):
            return self.ask_for_ticket(request, workspace, again=True)
        return self.redeem_ticket(request, workspace)

    def ask_for_ticket(self, request: Request, workspace: Workspace, *, again: bool = False) -> Outcome:
        """Workspace side, first step: remember a nonce in this browser and ask the control origin."""
        request.record.workspace = workspace.name
        header = request.head.get(b"cookie").decode("latin-1")
        names = self._sessions.names
        held = cookies.value_of(header, names.nonce) or ""
        nonce = held if len(held) == 32 and held.replace("-", "").replace("_", "").isalnum() else new_nonce()
        marks = [value for name, value in cookies.pairs(header) if name == names.mark]
        start = self._sessions.start(request.site.label or "", nonce, marks, self._wall(), again=again)
        target = query(request).get("next", "/") if again else request.head.target.decode("latin-1")
        where = f"{request.site.entry.origin}{TICKET}?start={start}&next={quote(safe_next(target), safe='')}"
        return pages.redirect(where, cookie(names.nonce, nonce, NONCE_SECONDS))

    def before_the_first_visit(self, request: Request, cors: bytes) -> Answer:
        """A page of the control origin asks for an address for which this browser has no session yet: a frame of it
        would get one by a ticket, so the answer is yes, and nothing of the workspace."""
        request.record.rule = Rule.CONTROL_ORIGIN
        return Answer(204, b"", b"Cache-Control: no-store\r\n" + pages.may_read(cors))

    def redeem_ticket(self, request: Request, workspace: Workspace) -> Outcome:
        """Workspace side, last step: the ticket becomes this origin's session."""
        given = query(request)
        next_ = safe_next(given.get("next", "/"))
        names = self._sessions.names
        nonce = cookies.value_of(request.head.get(b"cookie").decode("latin-1"), names.nonce) or ""
        entry, label = request.site.entry, request.site.label or ""
        redeemed = self._sessions.redeem(given.get("ticket", ""), label, nonce, entry, self._wall())
        if redeemed is None or redeemed[1] != workspace.uid or redeemed[0].id in self._authenticator.ended:
            message = "This ticket is used up, expired or for another browser. Open the workspace again."
            if not nonce:
                message = "The browser sent no cookie back. Allow cookies for this site and open the workspace again."
            raise Refusal(403, "bad_ticket", message, rule=Rule.TICKET)
        session, uid = redeemed
        request.record.identity, request.record.who = session.identity, session.identity.subject
        self._audit(request.record, "open", workspace.name)
        value = self._sessions.issue_workspace(session, uid)
        return pages.redirect(next_, cookie(names.workspace, value, int(session.expires - self._wall())))

    def status(self, request: Request, identity: Identity, origin: Origin) -> Answer:
        """GET /.guildnet/status: phase, conditions and what a page would get, for whoever may use the workspace."""
        self._workspaces.authorize(request, identity, origin.workspace)
        return self._told(request, origin.workspace, self._workspaces.problem(origin.workspace, origin.port))

    def status_of_path(self, request: Request, identity: Identity) -> Answer:
        """The same on the control origin, for a page of the path form that waits: `path` is the page's."""
        asked = target.parse(query(request).get("path", "").encode())
        if not isinstance(asked, target.WorkspaceTarget):
            raise Refusal(404, "not_found", "There is nothing here.", rule=Rule.NOT_FOUND)
        workspace = self._workspaces.known(request, identity, asked.id)
        self._workspaces.authorize(request, identity, workspace, no_such_id(asked.id))
        pending = self._workspaces.path_form.waits(workspace, request.site, asked.port)
        return self._told(request, workspace, pending or self._workspaces.problem(workspace, asked.port))

    def _told(self, request: Request, workspace: Workspace, problem: Refusal | None) -> Answer:
        status = workspace.status
        shown: dict[str, object] = {
            "id": workspace.name,
            "phase": status.phase or "Pending",
            "code": problem.code if problem else "ready",
            "message": problem.message if problem else f"Workspace {workspace.name} is ready.",
            "conditions": [
                {"type": item.type, "status": item.status, "reason": item.reason, "message": item.message}
                for item in status.conditions
            ],
        }
        if not request.site.control:
            jar = self._workspaces.of_site(request.site).placement.jar
            shown["cookies"] = _separate(jar if request.site.port is not None else None)
        return pages.as_json(200, shown, request_id=request.record.request_id)


def _separate(jar: SharedJar | None) -> dict[str, object]:
    """Which of the workspace's cookies are its own: on one name browsers give every port's page all of them."""
    if jar is None:
        return {"separate": True}
    shared = "cookies that are not HttpOnly" if jar.scripts is None else ", ".join(sorted(jar.scripts))
    if not shared:
        return {"separate": True}
    message = f"Other workspaces on this name see and set {shared}, and may push any cookie out of the browser."
    return {"separate": False, "message": message}
