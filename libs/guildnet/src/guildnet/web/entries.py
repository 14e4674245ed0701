"""The install's entries: the ways into it, each with a control origin and a way of making workspace origins.

Every service reads the same settings through `EntrySettings`, so that a control origin has one spelling everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from guildnet import settings

Mode = Literal["host", "port", "path"]
MODES: Final = frozenset({"host", "port", "path"})
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""The port of a scheme that an origin leaves out (RFC 6454 §6.1; browsers never send it in `Origin`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One way into the install: its name (tailnet, local, domain), control origin, and how workspaces get origins."""

    name: str
    origin: str
    """Control origin without trailing slash, e.g. `https://guildnet.tailtest.example`."""
    mode: Mode = "path"

    @property
    def scheme(self) -> str:
        return _parts(self.origin)[0]

    @property
    def host(self) -> str:
        """Host name without port; an IPv6 address without brackets."""
        return _parts(self.origin)[1]

    @property
    def port(self) -> int:
        """The port, explicit or the scheme's own."""
        return _parts(self.origin)[2]


@lru_cache(maxsize=64)
def _parts(origin: str) -> tuple[str, str, int]:
    """Scheme, host and port of an origin: an install has three, and asks for every workspace of a list."""
    parts = urlsplit(origin)
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)


def authority(host: str, port: int, scheme: str) -> str:
    """`host` or `host:port` as a browser writes it: the scheme's own port is left out, IPv6 gets its brackets."""
    name = f"[{host}]" if ":" in host else host
    return name if port == DEFAULT_PORTS.get(scheme) else f"{name}:{port}"


def origin(scheme: str, host: str, port: int) -> str:
    """`scheme://host[:port]`, without a trailing slash, exactly as a browser's `Origin` header spells it."""
    return f"{scheme}://{authority(host, port, scheme)}"


def normalised_origin(text: str) -> str:
    """An origin as a browser would send it: lower case, no trailing slash, no default port; "" stays "".

    Raises ValueError for anything that is not `http(s)://host[:port]`.
    """
    value = text.strip().rstrip("/").lower()
    if not value:
        return ""
    parts = urlsplit(value)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc or parts.netloc.endswith(":")
    if parts.scheme not in DEFAULT_PORTS or not host or extra or "?" in value or "#" in value:
        raise ValueError("an origin is http(s)://host[:port]")
    return origin(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme])


PLAIN_HTTP: Final = (
    "is plain http on a name of the network: browsers then keep no session cookie and do not say which page asks; use "
    "https, or a name that ends in localhost"
)


def is_trustworthy(control: str) -> bool:
    """Do browsers trust this origin without asking more of it (Secure Contexts §3.1)? By https, or as its own."""
    host = urlsplit(control).hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    return control.startswith("https:") or local or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _unsafe(name: str, control: str, mode: Mode) -> Iterator[str]:
    """What of an entry's origin and mode cannot be safe."""
    host = urlsplit(control).hostname or ""
    if control and mode == "port":
        yield f"{name}_MODE=port has no listener behind its ports: use host or path (port is the tailnet's)"
    if control and mode == "host" and ("." not in host or _is_address(host)):
        yield f"{name}_MODE=host needs a name below which there can be others, unlike {host}: use NAME.{host}"
    if control and not is_trustworthy(control):
        yield f"{name}_ORIGIN {PLAIN_HTTP}"


class EntrySettings(settings.Settings):
    """The settings of the entries, for every service that needs to know them."""

    local_origin: str = Field(default="", description="Control origin of the local entry; empty for none.")
    local_mode: Mode = Field(default="host", description="How workspaces get origins on the local entry.")
    domain_origin: str = Field(default="", description="Control origin of the domain entry; empty for none.")
    domain_mode: Mode = Field(default="host", description="How workspaces get origins on the domain entry.")
    tailnet_mode: Mode = Field(default="port", description="How workspaces get origins on the tailnet entry.")
    tailnet_tls: Literal["serve", "own", "none"] = Field(
        default="serve",
        description="Who ends TLS on the tailnet: the sidecar (`tailscale serve`), the proxy by a certificate of its "
        "own, or nobody (plain http inside of WireGuard).",
    )
    tailnet_port: int = Field(
        default=8443, ge=1, le=65535, description="Port of the tailnet's control origin where it is not served (443)."
    )

    @field_validator("local_origin", "domain_origin")
    @classmethod
    def _normalised(cls, value: str) -> str:
        return normalised_origin(value)

    @property
    def tailnet_scheme(self) -> str:
        return "http" if self.tailnet_tls == "none" else "https"

    @property
    def tailnet_control_port(self) -> int:
        return 443 if self.tailnet_tls == "serve" else self.tailnet_port

    def tailnet_origin(self, name: str) -> str:
        """The control origin at this name of the tailnet."""
        return origin(self.tailnet_scheme, name, self.tailnet_control_port)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        """Refuses what cannot be safe, whoever wants it."""
        problem = "; ".join(
            (
                *_unsafe("LOCAL", self.local_origin, self.local_mode),
                *_unsafe("DOMAIN", self.domain_origin, self.domain_mode),
            )
        )
        if problem:
            raise ValueError(problem)
        return self

    def entries(self, tailnet_name: str | None) -> tuple[Entry, ...]:
        """The install's entries, the canonical one first: tailnet, else domain, else local.

        `tailnet_name` is the proxy's DNS name on the tailnet, None while it is not known or where there is no tailnet.
        """
        found = (
            (
                "tailnet",
                self.tailnet_origin(tailnet_name.rstrip(".").lower()) if tailnet_name else "",
                self.tailnet_mode,
            ),
            ("domain", self.domain_origin, self.domain_mode),
            ("local", self.local_origin, self.local_mode),
        )
        return tuple(Entry(name, control, mode) for name, control, mode in found if control)
