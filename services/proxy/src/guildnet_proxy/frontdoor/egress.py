"""Egress guard of `to=`, AGENT_HOST and DNS: default deny for addresses that no Service of a workspace gave.

A name is resolved once, every answer is checked after unmapping what hides an IPv4 address in an IPv6 one, and the
connection goes to the very address that was checked. Allowed is the address and declared port of a workspace the caller
may use, and what the operator of the install listed; loopback, link-local, metadata, tailnet and our own addresses are
never allowed, whatever is listed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from guildnet.workspace import Workspace
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]

RESOLVE_TIMEOUT_SECONDS = 5.0
_NEVER: tuple[tuple[Rule, Network], ...] = tuple(
    (rule, ip_network(text))
    for rule, texts in {
        Rule.NEVER_LOOPBACK: ("127.0.0.0/8", "::1/128"),
        Rule.NEVER_LINK_LOCAL: ("169.254.0.0/16", "fe80::/10"),
        Rule.NEVER_METADATA: ("fd00:ec2::/32", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
        Rule.NEVER_UNSPECIFIED: ("0.0.0.0/8", "::/128"),
        Rule.NEVER_MULTICAST: ("224.0.0.0/4", "ff00::/8"),
        Rule.NEVER_TAILNET: ("100.64.0.0/10", "fd7a:115c:a1e0::/48"),
        Rule.NEVER_RESERVED: ("192.0.0.0/24", "240.0.0.0/4", "100::/64", "fec0::/10"),
    }.items()
    for text in texts
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry the operator of the install listed: `network:port`."""

    network: Network
    port: int


def parse_allowed(texts: Iterable[str]) -> tuple[Allowed, ...]:
    """`10.0.0.0/8:8080`, `10.1.2.3:80`, `[fd00::/64]:443`; raises ValueError naming the entry."""
    found = []
    for text in texts:
        network, colon, port = text.rpartition(":")
        if not colon or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r} is not CIDR:port")
        found.append(Allowed(ip_network(network.strip("[]")), int(port)))
    return tuple(found)


def parse_own(*texts: str) -> frozenset[Address]:
    """Our own addresses, which are never a target; what is no address (a name, nothing) is left out."""
    found = set()
    for text in texts:
        try:
            found.add(ip_address(text))
        except ValueError:
            continue
    return frozenset(found)


def unmapped(address: Address) -> Address:
    """The IPv4 address inside a v4-mapped, v4-compatible, 6to4, Teredo or NAT64 one; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    embedded = any(address in network for network in _NAT64) or (address in _COMPATIBLE and int(address) > 0xFFFF)
    return inner or (IPv4Address(int(address) & 0xFFFFFFFF) if embedded else address)


def never(address: Address, denied: frozenset[Address] = frozenset()) -> Rule | None:
    """The rule by which an address is never a target, or None; `denied` are our own."""
    for candidate in (address, unmapped(address)):
        if candidate in denied:
            return Rule.NEVER_OWN
        for rule, network in _NEVER:
            if candidate in network:
                return rule
    return None


@dataclass(frozen=True, slots=True)
class Permitted:
    """An address that may be connected to, and the workspace it belongs to, None where the operator listed it."""

    address: str
    rule: Rule
    workspace: Workspace | None


class EgressGuard:
    """`at` finds the workspace behind an address and port; `denied` are further addresses never reached."""

    def __init__(
        self,
        allowed: tuple[Allowed, ...],
        at: Callable[[str, int], Workspace | None],
        *,
        denied: frozenset[Address] = frozenset(),
        resolver: Resolver | None = None,
    ) -> None:
        self._allowed = allowed
        self._at = at
        self._denied = denied
        self._resolver = resolver or resolve_name

    async def permit(self, host: str, port: int, may_use: Callable[[Workspace], bool]) -> Permitted:
        """Raises Refusal: 403 where any answer is not allowed, 502 where the name has none, 504 where it takes long."""
        answers = await self._answers(host, port)
        permitted = [self._one(ip_address(answer), port, may_use) for answer in answers]  # every one has to pass
        return permitted[0]

    async def _answers(self, host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_SECONDS):
                answers = await self._resolver(host, port)
        except TimeoutError:
            message = "The target's name could not be resolved in time."
            raise Refusal(504, "target_timeout", message, rule=Rule.TARGET_TIMEOUT) from None
        except OSError:
            answers = []
        if not answers:
            raise Refusal(502, "no_target", "The target's name has no address.", rule=Rule.DNS)
        return answers

    def _one(self, address: Address, port: int, may_use: Callable[[Workspace], bool]) -> Permitted:
        rule = never(address, self._denied)
        if rule is not None:
            raise _denied(rule)
        plain = unmapped(address)
        workspace = self._at(str(plain), port)
        if workspace is not None:
            if not may_use(workspace):
                raise _denied(Rule.WORKSPACE)
            return Permitted(str(plain), Rule.WORKSPACE_ADDRESS, workspace)
        if any(item.port == port and plain in item.network for item in self._allowed):
            return Permitted(str(plain), Rule.ALLOWED_TARGET, None)
        raise _denied(Rule.DEFAULT_DENY)


def _denied(rule: Rule) -> Refusal:
    message = (
        "This target is not allowed. Reachable are ports of workspaces you may use, and what the operator of this "
        "install lists in proxy.allowedTargets."
    )
    return Refusal(403, "target_denied", message, rule=rule)


async def resolve_name(host: str, port: int) -> list[str]:
    """Every address of a name, as the system resolves it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))
