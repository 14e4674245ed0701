"""Sites: the origin a request is for, and where a workspace appears to the browser.

`Sites.locate` answers the first from the listener and the name the client called us by; a name that is not configured
is refused (DNS rebinding). `Placement` answers the second, is decided once per request and feeds the pure gate and
rewrite functions: no other module asks for the mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from guildnet.web.entries import DEFAULT_PORTS, Entry, Mode, authority, origin
from guildnet.workspace import Workspace, origin_url
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.memo import Memo
from guildnet_proxy.rules import Rule

_AUTHORITY = re.compile(rb"([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::([1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Site:
    """The origin a request is for: the entry's control origin, or one workspace's (by `label` or by `port`)."""

    entry: Entry
    authority: bytes
    origin: str
    label: str | None = None
    port: int | None = None

    @property
    def control(self) -> bool:
        return self.label is None and self.port is None

    @property
    def own_session(self) -> bool:
        """A workspace's origin that the control origin's cookie does not reach: it needs a session by ticket."""
        return self.label is not None


@dataclass(frozen=True, slots=True)
class SharedJar:
    """A workspace's part of a cookie jar that others reach: cookies ignore ports, and may be tossed at sister names.

    `prefix` is what the names of its cookies begin with outside; `scripts` are those that keep their names because
    scripts read them, None for all that are not HttpOnly; these are confined to `path`, where the app lives below one.
    """

    prefix: str
    scripts: frozenset[str] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a workspace appears: below `base` of `origin`; `jar` on an origin of its own, where others reach its cookie
    jar; `sandbox` when its pages must not share the control origin."""

    base: str
    origin: str
    cross_site: bool
    jar: SharedJar | None
    sandbox: bool
    control: str

    @property
    def own(self) -> bool:
        return not self.base

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https:")


MAX_REMEMBERED_SITES = 4096


class Sites:
    """The sites of an install's entries. The tailnet's origin is learnt while running, the others are settings."""

    def __init__(
        self, public: tuple[Entry, ...], *, tailnet_mode: Mode | None, scheme: str = "https", port: int = 443
    ) -> None:
        """`public` are the entries of the plain listener; `tailnet_mode` is None where there is no tailnet; `scheme`
        and `port` are of its control origin."""
        self._tailnet_scheme = scheme
        self._tailnet_port = port
        self._public = public
        self._tailnet_mode = tailnet_mode
        self.tailnet: Entry | None = None
        self.version = 0
        """Grows with every change of what `locate` would answer."""
        self._sites: Memo[tuple[bool, bytes], Site] = Memo(MAX_REMEMBERED_SITES)

    def learn(self, name: str) -> None:
        """Sets the tailnet's DNS name (no trailing dot)."""
        if self._tailnet_mode is not None:
            control = origin(self._tailnet_scheme, name, self._tailnet_port)
            self.tailnet = Entry(name="tailnet", origin=control, mode=self._tailnet_mode)
            self._sites.clear()
            self.version += 1

    def all(self) -> tuple[Entry, ...]:
        return self._public if self.tailnet is None else (self.tailnet, *self._public)

    def locate(self, head: RequestHead, listener: Listener) -> Site:
        """The site a request names; raises Refusal 421 for a name that is none of ours, 503 before one is known.

        On the private listener the name is in X-Forwarded-Host, set by the sidecar from the client's own words.
        """
        named = head.claims.get(b"x-forwarded-host", b"") if listener.private else head.authority
        known = self._sites.get((listener.tailnet, named))
        if known is not None:
            return known
        if listener.tailnet and self.tailnet is None:
            message = "The tailnet name of this install is not known yet; try again soon."
            raise Refusal(503, "tailnet_starting", message, rule=Rule.TAILNET_STARTING)
        entries = (self.tailnet,) if listener.tailnet and self.tailnet is not None else self._public
        site = _site(named.lower(), entries)
        self._sites.put((listener.tailnet, named), site)
        return site


def _site(named: bytes, entries: tuple[Entry, ...]) -> Site:
    match = _AUTHORITY.fullmatch(named)
    if match is not None:
        host = match[1].decode()
        for entry in entries:
            port = int(match[2]) if match[2] else DEFAULT_PORTS[entry.scheme]
            site = _in_entry(entry, host, port)
            if site is not None:
                return site
    names = " or ".join(entry.origin for entry in entries)
    raise Refusal(
        421, "unknown_host", f"This name does not belong to this install. Open {names} instead.", rule=Rule.HOST
    )


def _in_entry(entry: Entry, host: str, port: int) -> Site | None:
    name = authority(host, port, entry.scheme).encode()
    own = origin(entry.scheme, host, port)
    if host == entry.host and port == entry.port:
        return Site(entry, name, own)
    if host == entry.host and entry.mode == "port":
        return Site(entry, name, own, port=port)
    label, dot, parent = host.partition(".")
    if dot and parent == entry.host and port == entry.port and entry.mode == "host" and _LABEL.fullmatch(label):
        return Site(entry, name, own, label=label)
    return None


def own_placement(site: Site, *, cross_site: bool = False, jar: SharedJar | None = None) -> Placement:
    """The placement of a workspace on its own origin `site`."""
    return Placement("", site.origin, cross_site, jar, sandbox=False, control=site.entry.origin)


def path_placement(site: Site, base: str, *, trusted: bool, cross_site: bool = False) -> Placement:
    """The placement of a target below `base` of the control origin (`base` starts with a slash, ends without)."""
    return Placement(base, site.origin, cross_site, None, sandbox=not trusted, control=site.entry.origin)


def ticket_origin(entry: Entry, label: str) -> str:
    """The workspace origin of a label in an entry whose workspaces have host names of their own."""
    return origin(entry.scheme, f"{label}.{entry.host}", entry.port)


def own_origin(workspace: Workspace, entry: Entry, port: int | None = None) -> str | None:
    """The own origin of a port of the workspace (None: its first) in this entry, without a trailing slash, or None
    where it has none."""
    url = origin_url(workspace, entry, port)
    return url.rstrip("/") if url else None
