"""What the proxy must not connect to, in every spelling, and what it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

PORT: Final = 8080
PORTS: Final = (PORT, 80, 443, 6379, 6443, 8443, 10250)
"""Where canaries listen at every address."""

POD, TEAM_MATES, LISTED = "10.244.1.10", "10.244.9.9", "10.5.0.1"
"""The caller's own workspace, one of somebody else, and a target that the operator of the install listed."""
OWN: Final = {
    "this pod": "10.244.0.2", "the api's pod": "10.244.0.30", "Redis' pod": "10.244.0.31",
    "the operator's pod": "10.244.0.32", "the api's Service": "10.96.0.30", "Redis' Service": "10.96.0.31",
    "the API server's Service": "10.96.0.1", "an API server": "172.18.0.2", "another API server": "172.18.0.5",
    "an external Redis": "10.9.9.9", "a node": "172.18.0.3", "a node from outside": "203.0.113.7",
}  # fmt: skip
SPECIAL: Final = {
    "loopback": "127.0.0.1", "another loopback": "127.8.9.10", "unspecified": "0.0.0.0", "this network": "0.1.2.3",
    "metadata": "169.254.169.254", "link-local": "169.254.1.1", "metadata of Azure": "168.63.129.16",
    "metadata of Alibaba": "100.100.100.200", "metadata of Oracle": "192.0.0.192", "the tailnet": "100.64.0.7",
    "the tailnet's DNS": "100.100.100.100", "reserved": "240.0.0.1",
}  # fmt: skip
SPECIAL_6: Final = (
    "::1", "::", "fe80::1", "fd00:ec2::254", "fd7a:115c:a1e0::53", "fec0::1", "100::1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Denied:
    """One target: what is behind it, how it is asked for (`to`: host:port or a path), and by which form."""

    what: str
    form: str
    target: str


def spellings(address: str) -> Iterator[str]:
    """An IPv4 address as a host in everything that somebody's resolver takes for it."""
    number = int(IPv4Address(address))
    parts = address.split(".")
    high, low = number >> 16, number & 0xFFFF
    yield from (address, f"[::ffff:{address}]", f"[::ffff:{high:x}:{low:x}]", f"[::{address}]")
    yield f"[64:ff9b::{high:x}:{low:x}]"
    yield f"[64:ff9b:1::{high:x}:{low:x}]"
    yield f"[2002:{high:x}:{low:x}::]"
    yield f"[2001:0:1:2:3:4:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}]"
    yield from (str(number), hex(number), f"0{number:o}", f"{address}.", f"{parts[0]}.{number & 0xFFFFFF}")
    yield ".".join(f"0{int(part):03o}" for part in parts)
    yield ".".join(hex(int(part)) for part in parts)
    yield f"x@{address}"
    yield "".join(f"%EF%BC%{0x90 + int(char):X}" if char.isdigit() else char for char in address)
    yield address.replace(".", "%2e")


def by_address() -> Iterator[Denied]:
    for what, address in {**OWN, **SPECIAL}.items():
        for host in spellings(address):
            yield Denied(what, "to", f"{host}:{PORT}")
        yield Denied(what, "path", f"{address}:{PORT}")
        yield Denied(what, "path", f"[::ffff:{address}]:{PORT}")
    for address in SPECIAL_6:
        exploded = IPv6Address(address).exploded
        for host in (f"[{address}]", f"[{exploded}]", f"[{address}%25lo]", f"[{address}%eth0]"):
            yield Denied("IPv6", "to", f"{host}:{PORT}")
    for port in PORTS[1:]:
        yield Denied("an unlisted port", "to", f"{LISTED}:{port}")
    yield Denied("somebody else's workspace", "to", f"{TEAM_MATES}:{PORT}")
    yield Denied("somebody else's workspace", "path", f"[::ffff:{TEAM_MATES}]:{PORT}")
    yield Denied("a port that a workspace does not declare", "to", f"{POD}:6379")


NAMES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "good.example": ((LISTED,),),
    "flip.example": ((LISTED,), ("169.254.169.254",), (LISTED,), ("127.0.0.1",)),
    "flop.example": (("10.96.0.1",), (LISTED,)),
    "mixed.example": ((LISTED, "169.254.169.254"),),
    "mixed6.example": ((LISTED, "::1"),),
    "mapped.example": (("::ffff:127.0.0.1",),),
    "nat64.example": (("64:ff9b::a9fe:a9fe",),),
    "redis.example": ((OWN["an external Redis"],),),
    **{f"n{number}.example": ((address,),) for number, address in enumerate({**OWN, **SPECIAL}.values())},
}
"""`good` is listed; the others are, or become, or also are what is denied. `redis` is named by DENIED_HOSTS."""
FLIP_FLOPS: Final = ("flip.example", "flop.example")


def by_name() -> Iterator[Denied]:
    for name in NAMES:
        if name not in {"good.example", *FLIP_FLOPS}:
            yield Denied("a name of it", "to", f"{name}:{PORT}")
            yield Denied("a name of it", "path", f"{name.upper()}:{PORT}")
    for name in FLIP_FLOPS:
        yield from [Denied("a name that changes", "to", f"{name}:{PORT}")] * 4


def by_workspace() -> Iterator[Denied]:
    """Workspaces by their names: of each the AGENT_HOST or the slice leads to an address of the list."""
    for number, address in enumerate({**OWN, **SPECIAL}.values()):
        yield Denied("AGENT_HOST", "server", f"agent-{number} {address}:{PORT}")
        yield Denied("an EndpointSlice", "server", f"slice-{number} {address}")
    for number, name in enumerate(("flip.example", "mixed.example", "nat64.example", "redis.example")):
        yield Denied("AGENT_HOST", "server", f"agent-name-{number} {name}:{PORT}")
    for number, address in enumerate((*SPECIAL_6, "::ffff:169.254.169.254", "64:ff9b::7f00:1", "metadata.example")):
        yield Denied("an EndpointSlice", "server", f"slice-v6-{number} {address}")


def redirects() -> Iterator[Denied]:
    """The caller's own workspace answers with a redirect; the proxy passes it on and follows none."""
    for address in (*OWN.values(), *SPECIAL.values()):
        yield Denied("a redirect", "redirect", f"{address}:{PORT}")


def denied() -> tuple[Denied, ...]:
    return (*by_address(), *by_name(), *by_workspace(), *redirects())
