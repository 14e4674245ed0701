"""Who an authenticating proxy in front of us says that a request is from (oauth2-proxy, Pomerium, …), and which
connections are its own. Pure.

Its fields are believed on its own listener alone (auth/identity_listener.py), where nobody else's connections get in.
Everywhere else they are dropped like every other claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from guildnet.identity import ROLE_ADMIN, Identity
from guildnet.web.entries import Entry
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rules import Rule

SOURCE: Final = "oidc"
MAX_LOGIN_CHARACTERS: Final = 254
"""The longest address of mail there is (RFC 5321 4.5.3.1.3, without its brackets)."""


@dataclass(frozen=True, slots=True)
class IdentityProxy:
    """The names of its fields, in lower case, empty for one that it does not send; whoever is in one of `admins`, its
    groups, has the role admin."""

    user: bytes
    name: bytes = b""
    groups: bytes = b""
    admins: frozenset[str] = frozenset()

    def identity(self, head: RequestHead, entry: Entry) -> Identity | None:
        """The caller, None where the proxy names nobody; raises Refusal 403 for a name that cannot be one.

        A field that comes twice is refused: a proxy that adds its own to what the client sent would let the client say
        who it is.
        """
        login = self._value(head, self.user)
        if not login:
            return None
        if len(login) > MAX_LOGIN_CHARACTERS or not login.isprintable():
            raise _refused("The authenticating proxy's name of the caller is none.")
        groups = tuple(item for part in self._value(head, self.groups).split(",") if (item := part.strip()))
        roles = (ROLE_ADMIN,) if self.admins.intersection(groups) else ()
        return Identity("user", login, self._value(head, self.name) or login, (), roles, SOURCE, entry, groups)

    def _value(self, head: RequestHead, name: bytes) -> str:
        value = head.claims.get(name, b"") if name else b""
        if value and _times(head.block.raw.split(b"\r\n"), name) > 1:
            raise _refused(f"{name.decode()} comes twice: the authenticating proxy has to replace what clients send.")
        return value.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose connections are taken: from one of `networks`, with a certificate for one of `names`. Empty asks nothing:
    not where it comes from, and of a certificate, which TLS has verified, not whose it is. `tls` is the folder of the
    listener's own certificate and of the authority of theirs; empty for plain http."""

    networks: Sequence[IPv4Network | IPv6Network] = ()
    names: frozenset[str] = frozenset()
    tls: str = ""

    def problem(self, address: str, certificate: dict[str, Any] | None) -> str:
        """Why a connection is not taken; "" where it is."""
        at = ip_address(address)
        at = getattr(at, "ipv4_mapped", None) or at
        if self.networks and not any(at in network for network in self.networks):
            return "its address is not one of IDENTITY_PROXY_FROM"
        if self.names and not self.names.intersection(_names(certificate)):
            return "its certificate is for none of IDENTITY_PROXY_NAMES"
        return ""


def _names(certificate: dict[str, Any] | None) -> set[str]:
    """What a certificate is for: its DNS names and URIs (a SPIFFE id)."""
    return {value for kind, value in (certificate or {}).get("subjectAltName", ()) if kind in {"DNS", "URI"}}


def _times(lines: Iterable[bytes], name: bytes) -> int:
    return sum(line.partition(b":")[0].lower() == name for line in lines)


def _refused(message: str) -> Refusal:
    return Refusal(403, "identity_mismatch", message, rule=Rule.IDENTITY_PROXY)
