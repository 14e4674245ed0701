"""Egress guard: default deny for the addresses of `to=`, AGENT_HOST and DNS; no address at all is beyond its judgement.

A name is resolved once, every answer is checked after unmapping what hides an IPv4 address in an IPv6 one, and the
connection goes to the very address that was checked. Allowed is the address and declared port of a workspace the caller
may use, and what the operator of the install listed; loopback, link-local, metadata, tailnet and our own addresses are
never allowed, whatever is listed, and whatever an EndpointSlice says.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from guildnet.workspace import Workspace
from guildnet_proxy.cluster.own_addresses import Address, OwnAddresses
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.memo import Memo
from guildnet_proxy.rules import Rule

Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]

RESOLVE_TIMEOUT_SECONDS = 5.0
MAX_REMEMBERED_ENDPOINTS: Final = 4096
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


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """CIDRs; raises ValueError naming the one that is none."""
    return tuple(ip_network(text) for text in texts)


def unmapped(address: Address) -> Address:
    """The IPv4 address inside a v4-mapped, v4-compatible, 6to4, Teredo or NAT64 one; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    embedded = any(address in network for network in _NAT64) or (address in _COMPATIBLE and int(address) > 0xFFFF)
    return inner or (IPv4Address(int(address) & 0xFFFFFFFF) if embedded else address)


def never(address: Address, own: OwnAddresses | None = None, pods: tuple[Network, ...] = ()) -> Rule | None:
    """The rule by which an address is never a target, or None. In networks of `pods` only `own` addresses are none:
    clusters give their pods what is reserved for other things elsewhere (100.64.0.0/10)."""
    for candidate in (address, unmapped(address)):
        ours = own.rule(candidate) if own is not None else None
        if ours is not None:
            return ours
        if any(candidate in network for network in pods):
            continue
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
    """`at` finds the workspace behind an address and port; `own` are addresses never reached; `pods` are networks of
    the cluster's pods that are in reserved ranges."""

    def __init__(
        self,
        allowed: tuple[Allowed, ...],
        at: Callable[[str, int], Workspace | None],
        *,
        own: OwnAddresses | None = None,
        pods: tuple[Network, ...] = (),
        resolver: Resolver | None = None,
    ) -> None:
        self._allowed = allowed
        self._at = at
        self._own = own
        self._pods = pods
        self._resolver = resolver or resolve_name
        self._endpoints: Memo[str, Rule] = Memo(MAX_REMEMBERED_ENDPOINTS)
        self._version = -1

    def endpoints(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Those of a Service's endpoints that may be connected to. Raises Refusal 403 where there is none: whoever can
        write an EndpointSlice must not aim the proxy at anything but a pod."""
        rules = [self._of_endpoint(address) for address in addresses]
        kept = tuple(address for address, rule in zip(addresses, rules, strict=True) if rule is Rule.SERVICE)
        if addresses and not kept:
            raise _no_endpoint(rules[0])
        return kept

    def _of_endpoint(self, address: str) -> Rule:
        if self._own is not None and self._own.version != self._version:
            self._version = self._own.version
            self._endpoints.clear()
        rule = self._endpoints.get(address)
        if rule is None:
            try:
                rule = never(ip_address(address), self._own, self._pods) or Rule.SERVICE
            except ValueError:  # a slice of type FQDN: nobody has resolved it, so nobody can judge it
                rule = Rule.DEFAULT_DENY
            self._endpoints.put(address, rule)
        return rule

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
        rule = never(address, self._own, self._pods)
        if rule is not None:
            raise _denied(rule)
        plain = unmapped(address)
        workspace = self._at(str(plain), port)
        if workspace is not None:
            if not may_use(workspace):
                raise _denied(Rule.WORKSPACE)
            return Permitted(str(plain), Rule.WORKSPACE_ADDRESS, workspace)
        if any(item.port == port and plain in item.network for item in self._allowed):
            self._sure()
            return Permitted(str(plain), Rule.ALLOWED_TARGET, None)
        raise _denied(Rule.DEFAULT_DENY)

    def _sure(self) -> None:
        """Raises Refusal 503 while it is not known which addresses are our own: a listed network may hold them."""
        if self._own is not None and not self._own.listed:
            message = "It is not known yet which addresses of this cluster are never a target; try again soon."
            raise Refusal(503, "starting", message, rule=Rule.NOT_LISTED)


def _no_endpoint(rule: Rule) -> Refusal:
    message = (
        "The address of this workspace is in a range that is never a target. If the cluster gives its pods such "
        "addresses, the operator of this install lists them in proxy.podNetworks."
    )
    return Refusal(403, "target_denied", message, rule=rule)


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
