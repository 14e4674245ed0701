"""What the path form gives to whom.

Its pages would have the origin of the UI, so a browser gets none of them: it is sent to the workspace's own origin, and
where there is none it is served only if the install trusts every workspace (`PATH_TRUSTED`). A sandboxed page is no way
out: its origin is opaque, so browsers send no Referer and no Lax cookie with what it loads. Programs use every form.
"""

from __future__ import annotations

from typing import Final, Protocol

from guildnet.workspace import Workspace
from guildnet_proxy.auth.bearer import bearer
from guildnet_proxy.frontdoor import cross_origin, pages
from guildnet_proxy.frontdoor.request import Request
from guildnet_proxy.frontdoor.way import Policy
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import Site, own_origin

_SAFE: Final = frozenset({b"GET", b"HEAD"})
_FETCH_METADATA: Final = (b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest")


def is_program(head: RequestHead, *, vouched: bool) -> bool:
    """Is this no browser's request? `vouched` says that it carries a token for this install.

    Every browser of today says where a request comes from. An older one shows itself by a cookie, an Origin or by what
    it accepts; a program that was given a cookie by an app carries a token beside it, as no page can.
    """
    if any(head.get(name) for name in _FETCH_METADATA):
        return False
    return vouched or not (head.get(b"cookie") or head.get(b"origin") or cross_origin.is_navigation(head))


def opens_page(head: RequestHead) -> bool:
    """Would a browser show the answer as a document, in a tab or in a frame?"""
    return head.method in _SAFE and cross_origin.is_navigation(head)


def is_data(head: RequestHead) -> bool:
    """Does a script read the answer, which is neither shown nor run? So does an older UI that asks for a frame's
    address before it shows the frame."""
    return head.method in _SAFE and not head.upgrade and head.get(b"sec-fetch-dest") == b"empty"


class PathForm:
    """Decides what of the path form goes elsewhere."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.ports: OriginPorts = NoPorts()

    def elsewhere(self, request: Request, workspace: Workspace | None, port: int | None, path: bytes) -> Answer | None:
        """The way to `path` on the own origin, for a page; None for what is served here.

        `workspace` is None for a target of somebody else's. Raises Refusal: 403 where no browser is served, 503 until
        the origin is there.
        """
        head, site, policy = request.head, request.site, self._policy
        vouched = request.vouched or (b"authorization" in head.values and bearer(head, policy.audience) is not None)
        if is_program(head, vouched=vouched):
            return None
        has_origins = workspace is not None and site.entry.mode != "path"
        if workspace is not None and has_origins and opens_page(head):
            own = self._own_origin(workspace, site, port)
            if own is None:
                if port is not None and request.assumed is None:
                    self.ports.ask(workspace, port)
                raise pending(workspace.name)
            return pages.redirect(own + path.decode("latin-1"), status=302)
        if policy.path_trusted or (has_origins and is_data(head)):
            return None
        raise untrusted(site)

    def waits(self, workspace: Workspace, site: Site, port: int | None) -> Refusal | None:
        """What a page of this port waits for, where that is an origin."""
        has = site.entry.mode == "path" or self._own_origin(workspace, site, port)
        return None if has else pending(workspace.name)

    def _own_origin(self, workspace: Workspace, site: Site, port: int | None) -> str | None:
        """Where its pages go, once something listens there."""
        new = port is not None and site.entry.mode == "port" and self.ports.is_new(workspace, port)
        return None if new else own_origin(workspace, site.entry, port)


class OriginPorts(Protocol):
    """Who gets origins for further ports, where an entry is in port mode."""

    def ask(self, workspace: Workspace, port: int, /) -> None:
        """Wants an origin for this port; the same again costs nothing."""
        ...

    def is_new(self, workspace: Workspace, port: int, /) -> bool:
        """Was it asked for a moment ago, so that perhaps nothing listens there yet?"""
        ...


class NoPorts:
    """Without a tailnet no entry is in port mode."""

    def ask(self, _workspace: Workspace, _port: int, /) -> None: ...

    def is_new(self, _workspace: Workspace, _port: int, /) -> bool:
        return False


def untrusted(site: Site) -> Refusal:
    """For a browser: this address has the origin of the UI, and that is only for those who trust every workspace."""
    if site.entry.mode == "path":
        message = (
            f"Workspaces have no addresses of their own here (mode `path` of the {site.entry.name} entry), so their "
            "pages would share one with GuildNet itself and could act in your name. Whoever runs this install can give "
            f"them addresses of their own ({_OWN_ORIGINS[site.entry.name]}), or say that every workspace is trusted "
            "(entries.pathTrusted: true). Programs with a token can use this address."
        )
    else:
        message = (
            "A browser does not get this address: its pages would share one with GuildNet itself. Open the workspace "
            "from the list. Targets that are no workspace's are shown only where every workspace is trusted "
            "(entries.pathTrusted: true). Programs with a token can use this address."
        )
    return Refusal(403, "path_not_trusted", message, rule=Rule.PATH_FORM)


_OWN_ORIGINS: Final = {
    "local": "entries.local.mode: host",
    "domain": "entries.domain.mode: host, with a wildcard DNS record and certificate",
    "tailnet": "tailnet.mode: port",
}


def pending(name: str) -> Refusal:
    """The workspace `name`, or a port of it, has no origin on the tailnet yet."""
    message = f"Workspace {name} is getting an address of its own for this port; this page opens it when it is there."
    return Refusal(503, "starting", message, rule=Rule.ORIGIN_PENDING)
