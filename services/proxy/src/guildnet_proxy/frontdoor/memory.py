"""The front door's memory: a request like one before it goes the same way, while all that way rests on still holds.

What is decided from the fields, the index and the caller is remembered in the slot of the fields' Block; what depends
on the request line is looked at every time. Admission is counted for every request.
"""

from __future__ import annotations

from math import inf

from guildnet.identity import Identity
from guildnet.web import request_id
from guildnet_proxy.auth.authenticate import Authenticator
from guildnet_proxy.frontdoor.request import Record, Request
from guildnet_proxy.frontdoor.way import Way, Ways, route_of
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http.forward import Forward, Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.sites import Sites

REQUEST_ID = request_id.HEADER.lower().encode()


class Memory:
    """Recalls and keeps ways."""

    def __init__(self, sites: Sites, authenticator: Authenticator, workspaces: Workspaces) -> None:
        self._sites = sites
        self._authenticator = authenticator
        self._workspaces = workspaces

    def recall(
        self, known: object, head: RequestHead, listener: Listener, address: str, record: Record
    ) -> Forward | None:
        """The way of the last request with these fields, where nothing that it rests on has changed; else None."""
        ways: Ways | None = known.get(listener.name) if isinstance(known, dict) else None
        if ways is None or ways.version != self._version():
            return None
        target = rest = head.target
        route = b""
        if ways.control:
            route = route_of(target)
            rest = target[len(route) :]
        elif target.startswith(b"/.guildnet/"):
            return None
        way: Way | None = ways.by_key.get((head.method, address, route))
        caller = self._authenticator
        if way is None or caller.wall() > way.wall or (way.clock != inf and caller.clock() > way.clock):
            return None
        if not way.keeps_root and (rest == b"/" or rest.startswith(b"/?")):
            return None
        if ways.request_id:
            record.request_id = ways.request_id
        record.method, record.path = head.method.decode(), head.path.decode("latin-1")
        record.entry, record.kind, record.workspace = ways.entry, "workspace", way.workspace
        record.identity, record.who, record.rule = way.identity, way.who, way.rule
        record.credential = way.credential
        if way.in_flight is not None:
            record.in_flight = way.in_flight = self._workspaces.admission.admit_caller(way.in_flight, upgrade=False)
        self._workspaces.admit(record, way.counted)
        return way.forward(head.method, way.base + rest if way.base else rest, record.request_id.encode())

    def keep(self, request: Request, who: Identity, uid: str | None) -> None:
        """Keeps the way of `request` for the next one with the same fields. Strangers are not remembered."""
        way, head, site, came_by = request.way, request.head, request.site, request.listener.name
        route = route_of(head.target) if site.control else b""
        if way is None or who.kind == "anonymous" or not head.block.again or (site.control and not route):
            return
        if way.base + head.target[len(route) :] != request.seen:
            return  # what looked like a port, `~x`, belongs to the workspace's own path
        way.identity, way.who, way.in_flight = who, who.subject, request.record.in_flight
        way.credential = request.record.credential
        way.wall, way.clock = self._authenticator.until(head, request.listener, site, uid, request.address)
        version = self._version()
        known = head.block.slot
        if not isinstance(known, dict):
            head.block.slot = known = {}
        ways = known.get(came_by)
        if ways is None or ways.version != version:
            given = request.record.request_id if head.get(REQUEST_ID) == request.record.request_id.encode() else ""
            known[came_by] = ways = Ways(site.entry.name, given, control=site.control, version=version)
        ways.add((head.method, request.address, route), way)

    def _version(self) -> int:
        """All of these only grow: while the sum is the same, so is each."""
        return self._workspaces.index.version + self._sites.version + self._authenticator.version
