"""What was decided: by who runs the install; about the requests with one field block, kept in the block's slot for the
next of them; about an origin, while the index does not change; about one request.

A Way holds nothing that depends on the request target, and it is used only while all holds that was asked for it: the
cluster's index has not changed, and who vouched for the caller would still say the same.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from guildnet import access
from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_proxy.admission import InFlight
from guildnet_proxy.auth.authenticate import Credential
from guildnet_proxy.frontdoor.resolve import Resolved
from guildnet_proxy.http.forward import Forward, Place
from guildnet_proxy.rewrite.request_head import Sent
from guildnet_proxy.rewrite.response_head import WorkspaceRules
from guildnet_proxy.sites import Placement


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator of the install decided. `insecure_tls` is for workspaces' own self-signed ports, `verified_tls`
    for listed targets."""

    namespace: str
    cluster_domain: str
    access_default: access.Default
    audience: str
    path_trusted: bool
    insecure_tls: ssl.SSLContext
    verified_tls: ssl.SSLContext
    cross_site: bool
    login_key: bytes | None
    """What logins of workspaces' own programs are derived from; None where they are not."""
    cookie_key: bytes
    """What the names of cookies in a shared jar are made with."""


MAX_WAYS_OF_A_BLOCK = 16
_PATH_FORM = b"/proxy/server/"
Key = tuple[bytes, str, bytes]
"""Method, address, and what of the target was decided about: `route_of`."""


class Way:
    """`wall` and `clock` are the last moments at which the caller is who he was, in Unix seconds and in those of the
    authenticator's clock. `base` is put before the paths of a workspace that knows it, `keeps_root` says that `/` is
    not one of its own."""

    __slots__ = (
        "base", "clock", "counted", "credential", "identity", "in_flight", "keeps_root", "places", "rule", "rules",
        "sent", "wall", "who", "workspace",
    )  # fmt: skip

    def __init__(
        self,
        workspace: str,
        counted: str,
        rule: str,
        places: tuple[Place, ...],
        sent: Sent,
        rules: WorkspaceRules,
        *,
        base: bytes,
        keeps_root: bool,
    ) -> None:
        self.workspace = workspace
        self.counted = counted
        self.rule = rule
        self.places = places
        self.sent = sent
        self.rules = rules
        self.base = base
        self.keeps_root = keeps_root
        self.identity: Identity | None = None
        self.credential: Credential | None = None
        self.in_flight: InFlight | None = None
        self.who = ""
        self.wall = 0.0
        self.clock = 0.0

    def forward(self, method: bytes, target: bytes, request_id: bytes) -> Forward:
        """`target` is what the workspace sees."""
        return Forward(self.places, self.sent.head(method, target, request_id), self.rules, request_id)


def route_of(target: bytes) -> bytes:
    """What of a path-form target `/proxy/server/{id}[/~port]/…` names the workspace, byte for byte; empty where it
    takes a closer look."""
    if not target.startswith(_PATH_FORM):
        return b""
    end = target.find(b"/", len(_PATH_FORM))
    if target[end + 1 : end + 2] == b"~":
        end = target.find(b"/", end + 1)
    route = target[:end] if end > 0 else b""
    return b"" if b"?" in route or target[end + 1 : end + 2] == b"%" else route


class Ways:
    """The ways of one block at one kind of listener, as long as the index is at `version`."""

    __slots__ = ("by_key", "control", "entry", "request_id", "version")

    def __init__(self, entry: str, request_id: str, *, control: bool, version: int) -> None:
        self.entry = entry
        self.request_id = request_id
        self.control = control
        self.version = version
        self.by_key: dict[Key, Way] = {}

    def add(self, key: Key, way: Way) -> None:
        if len(self.by_key) >= MAX_WAYS_OF_A_BLOCK:
            self.by_key.clear()
        self.by_key[key] = way


WayOut = tuple[tuple[Place, ...], WorkspaceRules]
"""Where requests on an own origin go, and how what comes back is rewritten."""


MAX_ALLOWED = 256


class Origin:
    """A port of a workspace (None: its first) on its own origin, as it is while the index does not change.

    `allowed` has the rule by which each of the last callers may use it, by the id of an identity that lives as long.
    """

    __slots__ = ("allowed", "placement", "port", "resolved", "way_out", "workspace")

    def __init__(self, workspace: Workspace, placement: Placement, port: int | None = None) -> None:
        self.workspace = workspace
        self.placement = placement
        self.port = port
        self.resolved: Resolved | None = None
        self.way_out: WayOut | None = None
        self.allowed: dict[int, tuple[Identity, str]] = {}

    def allow(self, identity: Identity, rule: str) -> None:
        if len(self.allowed) >= MAX_ALLOWED:
            self.allowed.clear()
        self.allowed[id(identity)] = identity, rule


class Route:
    """How one request is forwarded: where the workspace appears, the path it sees, the Host it is called by."""

    __slots__ = ("cors", "host", "origin", "placement", "strips", "target")

    def __init__(
        self,
        placement: Placement,
        target: bytes,
        *,
        strips: bool,
        cors: bytes,
        host: str | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.placement = placement
        self.target = target
        self.strips = strips
        self.cors = cors
        self.host = host
        self.origin = origin
