"""Requests for a workspace, on its own origin or in the path form: access, resolution, egress, forward, in order."""

from __future__ import annotations

import dataclasses

from guildnet import access
from guildnet.access import Action, Rules, Target
from guildnet.identity import Identity
from guildnet.workspace import Workspace, app_login
from guildnet.workspace.ports import base_path
from guildnet_proxy.admission import Admission
from guildnet_proxy.auth.authenticate import login_required
from guildnet_proxy.auth.bearer import bearer
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.frontdoor import pages
from guildnet_proxy.frontdoor.egress import EgressGuard, Permitted
from guildnet_proxy.frontdoor.path_form import PathForm
from guildnet_proxy.frontdoor.request import Record, Request
from guildnet_proxy.frontdoor.resolve import NO_SUCH_ADDRESS, Resolved, no_such_id, path_mode, resolve, unresolved
from guildnet_proxy.frontdoor.target import HostTarget, WorkspaceTarget
from guildnet_proxy.frontdoor.way import Origin, Policy, Route, Way, WayOut
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Decision, Forward, Outcome, Place
from guildnet_proxy.rewrite import cookies, request_head
from guildnet_proxy.rewrite.response_head import WorkspaceRules
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Site, own_placement, path_placement

_OWN_POD = frozenset({Rule.SERVICE, Rule.WORKSPACE_ADDRESS})


class Workspaces:
    """Decides about requests for workspaces, and admits them."""

    def __init__(self, index: Index, egress: EgressGuard, policy: Policy, admission: Admission) -> None:
        self.index = index
        self.policy = policy
        self.admission = admission
        self.path_form = PathForm(policy)
        self._egress = egress
        self._origins: dict[str, Origin] = {}
        self._version = -1

    def of_site(self, site: Site) -> Origin:
        """The workspace whose own origin this is, and where it appears; raises Refusal 404."""
        if self._version != self.index.version:
            self._version = self.index.version
            self._origins.clear()
        origin = self._origins.get(site.origin)
        if origin is None:
            workspace, port = self._workspace_of(site)
            below = base_path(workspace.name, None) if path_mode(workspace, port) == "Preserve" else ""
            jar = cookies.jar_of(workspace, site, self.policy.cookie_key, below)
            origin = Origin(workspace, own_placement(site, cross_site=self.policy.cross_site, jar=jar), port)
            self._origins[site.origin] = origin
        return origin

    def _workspace_of(self, site: Site) -> tuple[Workspace, int | None]:
        found = self.index.by_label(site.label) if site.label is not None else self.index.by_port(site.port or 0)
        if found is None:
            self._listed()
            raise Refusal(404, "not_found", NO_SUCH_ADDRESS, rule=Rule.UNKNOWN)
        return found

    def _listed(self) -> None:
        """Raises Refusal 503 while nobody knows what there is: the API server has not been heard since the start."""
        if not self.index.listed:
            message = "The list of workspaces is not known yet; this page tries again."
            raise Refusal(503, "starting", message, rule=Rule.NOT_LISTED)

    def admit(self, record: Record, name: str) -> None:
        """Counts the request for what is called `name`; raises Refusal 503 where that has as many as it may have."""
        self.admission.admit(name)
        record.counted = name

    def admit_caller(self, record: Record, identity: Identity | None, *, upgrade: bool) -> None:
        """Counts the request for who sent it; raises Refusal 429 where that is one too many."""
        subject = identity.subject if identity is not None else ""
        if subject:
            record.in_flight = self.admission.admit_caller(self.admission.of(subject), upgrade=upgrade)
            record.upgrade = upgrade

    def release(self, record: Record) -> None:
        """What `record` counts for its workspace and its caller counts no more; harmless twice."""
        mine, record.in_flight = record.in_flight, None
        if mine is not None:
            self.admission.release_caller(mine, upgrade=record.upgrade)
        name = record.counted
        if name:
            record.counted = ""
            self.admission.release(name)

    # ---- access -----------------------------------------------------------------------------------------------------

    def decide(self, identity: Identity, workspace: Workspace | None, action: Action = Action.PROXY) -> access.Decision:
        target = Target(workspace.labels, workspace.owner) if workspace is not None else Target()
        rules = Rules(self.index.capabilities, self.policy.access_default)
        return access.authorize(identity, action, target, rules)

    def authorize(
        self, request: Request, identity: Identity, workspace: Workspace | None, unknown: str = NO_SUCH_ADDRESS
    ) -> None:
        """Leaves the rule in the record. Raises Refusal 401 or 403; for a workspace that the caller may not know of 404
        with `unknown`, what is said of one that is not there."""
        record = request.record
        if identity.kind == "anonymous":
            raise login_required()
        decision = self.decide(identity, workspace)
        record.rule = decision.rule
        if not decision.allowed:
            # Where nobody can say what the caller may know, it is not told that there is nothing.
            readable = self.index.capabilities is not None
            if readable and workspace is not None and not self.knows(identity, workspace):
                raise Refusal(404, "not_found", unknown, rule=decision.rule, hidden=True)
            message = f"You may not use this workspace: {decision.reason}. Ask whoever runs this install."
            raise Refusal(403, "forbidden", message, rule=decision.rule)

    def knows(self, identity: Identity, workspace: Workspace) -> bool:
        """May it be told that there is this workspace?"""
        return self.decide(identity, workspace, Action.LIST).allowed

    def known(self, request: Request, identity: Identity, id_: str) -> Workspace:
        """The workspace with this id; raises Refusal 401, 403, 503 and 404, as much as the caller may be told."""
        workspace = self.index.find(id_)
        if workspace is None:
            if identity.kind == "anonymous":
                raise login_required()
            self._listed()
            if self.index.capabilities is None:
                self.authorize(request, identity, None)
            raise Refusal(404, "not_found", no_such_id(id_), rule=Rule.UNKNOWN)
        return workspace

    def problem(self, workspace: Workspace, port: int | None) -> Refusal | None:
        """Why a request for this port would not be forwarded, None where it would; who may do so is not asked."""
        try:
            self._resolve(workspace, port)
        except Refusal as refusal:
            return refusal
        return None

    # ---- the two forms ----------------------------------------------------------------------------------------------

    def on_own_origin(self, request: Request, identity: Identity, origin: Origin, cors: bytes) -> Decision:
        """The workspace's own origin: paths pass unchanged; a Preserve workspace lives below its base path."""
        workspace = origin.workspace
        allowed = origin.allowed.get(id(identity))
        if allowed is not None:
            request.record.rule = allowed[1]
        else:
            self.authorize(request, identity, workspace)
            origin.allow(identity, request.record.rule)
        resolved = origin.resolved
        if resolved is None:
            resolved = origin.resolved = self._resolve(workspace, origin.port)
        head = request.head
        if resolved.path_mode == "Preserve" and head.path == b"/" and head.method in {b"GET", b"HEAD"}:
            _, mark, query = head.target.partition(b"?")
            base = base_path(workspace.name, origin.port)
            return pages.redirect(f"{base}/{(mark + query).decode('latin-1')}", status=302, cors=cors)
        route = Route(origin.placement, head.target, strips=False, cors=cors, origin=origin)
        return self._send(request, identity, workspace, resolved, route)

    def by_path(self, request: Request, identity: Identity, target: WorkspaceTarget, cors: bytes) -> Decision:
        """`/proxy/server/{id}/…`; a page goes to the own origin of its port."""
        workspace = self.known(request, identity, target.id)
        request.record.workspace = workspace.name
        self.authorize(request, identity, workspace, no_such_id(target.id))
        strips = path_mode(workspace, target.port) != "Preserve"
        base = base_path(target.id if strips else workspace.name, target.port)
        rest, query = target.rest, target.query
        below = b"" if strips else base.encode()
        elsewhere = self.path_form.elsewhere(request, workspace, target.port, below + (rest or b"/") + query)
        if elsewhere is not None:
            return elsewhere
        resolved = self._resolve(workspace, target.port)
        if not rest and strips and request.head.method in {b"GET", b"HEAD"}:
            return pages.redirect(base + "/" + query.decode("latin-1"), status=302)
        placement = path_placement(
            request.site, base, trusted=self.policy.path_trusted, cross_site=self.policy.cross_site
        )
        seen = ((rest or b"/") if strips else below + rest) + query
        return self._send(request, identity, workspace, resolved, Route(placement, seen, strips=strips, cors=cors))

    async def by_port(self, request: Request, identity: Identity, id_: str, port: int) -> tuple[Place, ...]:
        """Where a tunnel to a declared port goes; it is admitted as an upgraded connection. Raises Refusal."""
        record = request.record
        workspace = self.known(request, identity, id_)
        record.workspace = workspace.name
        self.authorize(request, identity, workspace, no_such_id(id_))
        resolved = self._resolve(workspace, port)
        record.rule = resolved.rule
        addresses = resolved.addresses or ((await self._permitted_host(identity, workspace, resolved)).address,)
        self.admit_caller(record, identity, upgrade=True)
        self.admit(record, workspace.name)
        return tuple(Place(address, resolved.port) for address in addresses)

    async def by_host(self, request: Request, identity: Identity, target: HostTarget, cors: bytes) -> Outcome:
        """`/proxy/{host:port}/…` and `/proxy?to=…`: only what the egress guard permits."""
        if identity.kind == "anonymous":
            raise login_required()
        permitted = await self._permit(identity, target.host, target.port)
        self.authorize(request, identity, permitted.workspace)
        request.record.rule = permitted.rule
        request.record.workspace = permitted.workspace.name if permitted.workspace is not None else ""
        base = f"/proxy/{target.authority}"
        path = (target.rest or b"/") + target.query
        elsewhere = self.path_form.elsewhere(request, permitted.workspace, target.port, path)
        if elsewhere is not None:
            return elsewhere
        if not target.rest and request.head.method in {b"GET", b"HEAD"}:
            return pages.redirect(base + "/" + target.query.decode("latin-1"), status=302)
        listed = permitted.workspace is None
        host, port, address = target.host, target.port, permitted.address
        resolved = Resolved(permitted.rule, target.scheme, host, port, (address,), "Strip", listed)
        placement = path_placement(
            request.site, base, trusted=self.policy.path_trusted, cross_site=self.policy.cross_site
        )
        route = Route(placement, path, strips=True, cors=cors, host=target.authority)
        return self._forward(request, permitted.workspace, resolved, route)[0]

    # ---- forwarding -------------------------------------------------------------------------------------------------

    async def _permit(self, identity: Identity, host: str, port: int) -> Permitted:
        return await self._egress.permit(host, port, lambda found: self.decide(identity, found).allowed)

    def _resolve(self, workspace: Workspace, port: int | None) -> Resolved:
        policy = self.policy
        found = resolve(self.index, workspace, port, namespace=policy.namespace, domain=policy.cluster_domain)
        return (
            dataclasses.replace(found, addresses=self._egress.endpoints(found.addresses)) if found.addresses else found
        )

    def _send(
        self, request: Request, identity: Identity, workspace: Workspace, resolved: Resolved, route: Route
    ) -> Decision:
        request.record.rule = resolved.rule
        if resolved.addresses:
            forward, request.way = self._forward(request, workspace, resolved, route)
            request.seen = route.target
            return forward
        return self._permitted(request, identity, workspace, resolved, route)

    async def _permitted(
        self, request: Request, identity: Identity, workspace: Workspace, resolved: Resolved, route: Route
    ) -> Outcome:
        permitted = await self._permitted_host(identity, workspace, resolved)
        found = dataclasses.replace(resolved, addresses=(permitted.address,), listed=permitted.workspace is None)
        return self._forward(request, workspace, found, route)[0]

    async def _permitted_host(self, identity: Identity, workspace: Workspace, resolved: Resolved) -> Permitted:
        """What the egress guard permits of a name. Raises Refusal."""
        try:
            return await self._permit(identity, resolved.host, resolved.port)
        except Refusal as refusal:
            raise (unresolved(workspace) if refusal.rule == Rule.DNS else refusal) from None

    def _forward(
        self, request: Request, workspace: Workspace | None, resolved: Resolved, route: Route
    ) -> tuple[Forward, Way]:
        name = workspace.name if workspace is not None else f"{resolved.host}:{resolved.port}"
        self.admit_caller(request.record, request.record.identity, upgrade=request.head.upgrade)
        self.admit(request.record, name)
        way = self._way(request, name, resolved, route, self._login(workspace, resolved))
        return way.forward(request.head.method, route.target, request.record.request_id.encode()), way

    def _login(self, workspace: Workspace | None, resolved: Resolved) -> tuple[bytes, bytes]:
        """What the workspace's own pod is sent so that it lets the request in; nothing for any other address."""
        key = self.policy.login_key
        if key is None or workspace is None or resolved.rule not in _OWN_POD:
            return b"", b""
        return app_login.request_fields(key, workspace)

    def _way(self, request: Request, name: str, resolved: Resolved, route: Route, login: tuple[bytes, bytes]) -> Way:
        head = request.head
        ours = b"authorization" in head.values and bearer(head, self.policy.audience) is not None
        sent = request_head.to_workspace(
            head.block,
            route.placement,
            request.caller,
            strip_authorization=ours,
            prefix=route.strips,
            host=route.host,
            login=login,
        )
        places, rules = self._way_out(request, resolved, route)
        preserves = resolved.path_mode == "Preserve"
        return Way(
            request.record.workspace,
            name,
            request.record.rule,
            places,
            sent,
            rules,
            base=route.placement.base.encode() if preserves else b"",
            keeps_root=not (preserves and route.placement.own),
        )

    def _way_out(self, request: Request, resolved: Resolved, route: Route) -> WayOut:
        """Where to, and how what comes back is rewritten: on an own origin the same for all who come from it."""
        origin = route.origin if not route.cors and resolved.rule is Rule.SERVICE else None
        if origin is not None and origin.way_out is not None:
            return origin.way_out
        tls = None
        if resolved.scheme == "https":
            tls = self.policy.verified_tls if resolved.listed else self.policy.insecure_tls
        places = tuple(Place(address, resolved.port, tls, resolved.host) for address in resolved.addresses)
        named = _authorities(request, resolved, route)
        rules = WorkspaceRules(route.placement, named, route.cors, strips=route.strips, stale=self.index.stale)
        if origin is not None:
            origin.way_out = places, rules
        return places, rules


def _authorities(request: Request, resolved: Resolved, route: Route) -> frozenset[str]:
    """Every name by which the upstream may mean itself in a redirect."""
    named = f"{resolved.host}:{resolved.port}"
    host = route.host or request.site.authority.decode()
    return frozenset((host, named, f"localhost:{resolved.port}", f"127.0.0.1:{resolved.port}"))
