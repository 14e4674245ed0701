"""The egress guard's tables to their last address, what it parses, and the words of its refusals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from guildnet.workspace import Workspace
from guildnet_proxy.cluster.own_addresses import OwnAddresses, addresses_of
from guildnet_proxy.frontdoor import egress
from guildnet_proxy.frontdoor.egress import (
    Allowed,
    EgressGuard,
    never,
    parse_allowed,
    parse_networks,
    resolve_name,
    unmapped,
)
from guildnet_proxy.http.errors import Refusal
from support.played_clock import played
from unit.proxy.values import workspace

NEVER = {
    "127.0.0.0/8": "never-loopback", "::1/128": "never-loopback",
    "169.254.0.0/16": "never-link-local", "fe80::/10": "never-link-local",
    "fd00:ec2::/32": "never-metadata", "168.63.129.16/32": "never-metadata", "192.0.0.192/32": "never-metadata",
    "0.0.0.0/8": "never-unspecified", "::/128": "never-unspecified",
    "224.0.0.0/4": "never-multicast", "ff00::/8": "never-multicast",
    "fd7a:115c:a1e0::/48": "never-tailnet", "100.64.0.0/10": "never-tailnet",
    "240.0.0.0/4": "never-reserved", "100::/64": "never-reserved", "fec0::/10": "never-reserved",
    "192.0.0.0/24": "never-reserved",
}  # fmt: skip


@pytest.mark.parametrize(("network", "rule"), NEVER.items())
def test_a_network_is_refused_from_its_first_address_to_its_last_and_none_beyond(network: str, rule: str) -> None:
    first, last = ip_network(network)[0], ip_network(network)[-1]
    assert {never(first), never(last)} == {rule}
    for beyond in (int(first) - 1, int(last) + 1):
        if 0 <= beyond < 2**first.max_prefixlen:
            outside = type(first)(beyond)
            assert never(outside) != rule or any(outside in ip_network(other) for other in NEVER if other != network
                                                 and ip_network(other).version == outside.version)  # fmt: skip


def test_the_metadata_address_of_a_network_of_its_own_is_called_so() -> None:
    assert never(ip_address("100.100.100.200")) == "never-metadata"
    assert never(ip_address("100.100.100.199")) == "never-tailnet"
    assert never(ip_address("10.0.0.1")) is None


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"), ("2002:a00:1::1", "10.0.0.1"),
        ("2001:0:1:2:3:4:f5ff:fffe", "10.0.0.1"),  # Teredo: the client's address, its bits turned round
        ("64:ff9b::a00:1", "10.0.0.1"), ("64:ff9b:1::a00:1", "10.0.0.1"), ("64:ff9b:2::a00:1", "64:ff9b:2::a00:1"),
        ("::10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("::ffff", "::ffff"), ("::1:0", "0.1.0.0"),
        ("::1:0:a00:1", "::1:0:a00:1"),
    ],
)  # fmt: skip
def test_the_address_that_another_one_hides(address: str, inner: str) -> None:
    assert unmapped(ip_address(address)) == ip_address(inner)


def test_our_own_addresses_are_refused_in_every_spelling_and_only_they() -> None:
    found = addresses_of(("10.0.0.1", "", "a-name", "None", "fd00::1"))
    assert found == {ip_address("10.0.0.1"), ip_address("fd00::1")}
    own = OwnAddresses("10.0.0.1", "", "a-name", "fd00::1")
    own.put("nodes", "n1", ["192.168.0.7", "the-node"])
    assert never(ip_address("::ffff:10.0.0.1"), own) == "never-own"
    assert never(ip_address("fd00::1"), own) == "never-own"
    assert never(ip_address("64:ff9b::192.168.0.7"), own) == "never-node"
    assert never(ip_address("10.0.0.2"), own) is None


def test_an_address_is_our_own_while_something_has_it() -> None:
    own = OwnAddresses()
    told: list[int] = []
    own.on_change.append(lambda: told.append(own.version))
    own.put("pods", "api-1", ["10.0.0.5"])
    own.put("pods", "api-2", ["10.0.0.5", "10.0.0.6"])
    own.put("pods", "api-2", ["10.0.0.6", "10.0.0.5"])
    own.remove("pods", "api-1")
    assert never(ip_address("10.0.0.5"), own) == "never-own"
    own.put("pods", "api-2", ["10.0.0.6"])
    own.remove("pods", "nobody")
    assert never(ip_address("10.0.0.5"), own) is None
    assert never(ip_address("10.0.0.6"), own) == "never-own"
    assert told == [1, 2, 3, 4], "each change once, and what changes nothing never"


def test_the_clusters_pods_may_be_in_a_reserved_range_but_never_where_we_are_ourselves() -> None:
    own, pods = OwnAddresses("100.64.0.9"), parse_networks(["100.64.0.0/16"])
    assert never(ip_address("100.64.3.4"), own) == "never-tailnet"
    assert never(ip_address("100.64.3.4"), own, pods) is None
    assert never(ip_address("::ffff:100.64.3.4"), own, pods) is None
    assert never(ip_address("100.65.3.4"), own, pods) == "never-tailnet"
    assert never(ip_address("100.64.0.9"), own, pods) == "never-own"


def test_allowed_targets_are_networks_and_ports() -> None:
    assert parse_allowed(["10.0.0.0/8:1", "10.1.2.3:65535", "[fd00::/64]:443"]) == (
        Allowed(ip_network("10.0.0.0/8"), 1), Allowed(ip_network("10.1.2.3/32"), 65535),
        Allowed(ip_network("fd00::/64"), 443),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:x", "10.0.0.0/8:", "80"]
)
def test_what_is_no_network_with_a_port_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is not CIDR:port$"):
        parse_allowed([text])


def listed(*texts: str) -> OwnAddresses:
    """Own addresses of which all kinds were read."""
    own = OwnAddresses(*texts)
    own.listed = True
    return own


Resolver = Callable[[str, int], Awaitable[list[str]]]


def answering(*answers: str) -> Resolver:
    async def resolve(host: str, port: int) -> list[str]:
        return list(answers)

    return resolve


async def refused(guard: EgressGuard, host: str, port: int = 80, *, may: bool = True) -> str:
    with pytest.raises(Refusal) as error:
        await guard.permit(host, port, lambda _: may)
    return f"{error.value.status} {error.value.code} {error.value.rule} {error.value.message}"


NOT_ALLOWED = (
    "This target is not allowed. Reachable are ports of workspaces you may use, and what the operator of this install "
    "lists in proxy.allowedTargets."
)


def at(address: str, port: int) -> Workspace | None:
    return workspace() if (address, port) == ("10.1.1.1", 8080) else None


async def test_a_workspace_is_reached_by_its_very_address_and_port_and_by_whom_it_may_be_used() -> None:
    guard = EgressGuard((), at)
    permitted = await guard.permit("::ffff:10.1.1.1", 8080, lambda found: found.name == "ws")
    assert (permitted.address, permitted.rule) == ("10.1.1.1", "workspace-address")
    assert permitted.workspace == workspace()
    assert await refused(guard, "10.1.1.1", 8080, may=False) == f"403 target_denied workspace {NOT_ALLOWED}"
    assert await refused(guard, "10.1.1.1", 8081) == f"403 target_denied default-deny {NOT_ALLOWED}"


async def test_a_listed_target_is_reached_on_its_port() -> None:
    guard = EgressGuard(parse_allowed(["10.5.0.0/16:80", "[fd00::/64]:80"]), at, own=listed("10.5.0.9"))
    permitted = await guard.permit("10.5.0.1", 80, lambda _: False)
    assert (permitted.address, permitted.rule, permitted.workspace) == ("10.5.0.1", "allowed-target", None)
    assert (await guard.permit("fd00::5", 80, lambda _: False)).address == "fd00::5"
    assert (await refused(guard, "10.5.0.1", 81)).startswith("403 target_denied default-deny")
    assert (await refused(guard, "fd01::5", 80)).startswith("403 target_denied default-deny")
    assert (await refused(guard, "10.5.0.9", 80)).startswith("403 target_denied never-own")


async def test_until_it_is_known_what_is_our_own_nothing_listed_is_reached_but_workspaces_are() -> None:
    own = OwnAddresses()
    guard = EgressGuard(parse_allowed(["10.5.0.0/16:80"]), at, own=own)
    assert (await refused(guard, "10.5.0.1")).startswith("503 starting not-listed It is not known yet which addresses")
    assert (await refused(guard, "10.6.0.1")).startswith("403 target_denied default-deny")
    assert (await guard.permit("10.1.1.1", 8080, lambda _: True)).address == "10.1.1.1"
    own.listed = True
    assert (await guard.permit("10.5.0.1", 80, lambda _: True)).address == "10.5.0.1"


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("10.96.0.1", "never-own"), ("::ffff:10.96.0.1", "never-own"), ("192.168.0.7", "never-node"),
        ("100.100.100.200", "never-metadata"), ("169.254.169.254", "never-link-local"), ("127.0.0.1", "never-loopback"),
        ("100.64.0.1", "never-tailnet"), ("metadata.google.internal", "default-deny"),
    ],
)  # fmt: skip
def test_an_endpoint_that_is_no_pods_is_not_connected_to(address: str, rule: str) -> None:
    own = listed("10.96.0.1")
    own.put("nodes", "n1", ["192.168.0.7"])
    guard = EgressGuard((), at, own=own)
    assert guard.endpoints(("10.1.1.1", address, "10.1.1.2")) == ("10.1.1.1", "10.1.1.2")
    with pytest.raises(Refusal) as error:
        guard.endpoints((address,))
    assert (error.value.status, error.value.code, error.value.rule) == (403, "target_denied", rule)
    assert "proxy.podNetworks" in error.value.message


def test_an_endpoint_is_judged_again_when_our_own_addresses_change() -> None:
    own = listed()
    guard = EgressGuard((), at, own=own)
    assert guard.endpoints(("10.1.1.1",)) == ("10.1.1.1",)
    own.put("nodes", "n1", ["10.1.1.1"])
    with pytest.raises(Refusal):
        guard.endpoints(("10.1.1.1",))
    own.remove("nodes", "n1")
    assert guard.endpoints(("10.1.1.1",)) == ("10.1.1.1",)
    assert guard.endpoints(()) == ()


def test_an_endpoint_is_judged_once_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    own, asked = listed(), list[Any]()
    guard = EgressGuard((), at, own=own)
    judged = egress.never

    def counted(address: Any, *more: Any) -> Any:
        asked.append(address)
        return judged(address, *more)

    monkeypatch.setattr(egress, "never", counted)
    for _ in range(3):
        assert guard.endpoints(("10.1.1.1",)) == ("10.1.1.1",)
    assert len(asked) == 1
    own.put("nodes", "n1", ["192.168.0.7"])
    assert guard.endpoints(("10.1.1.1",)) == ("10.1.1.1",)
    assert len(asked) == 2


async def test_every_answer_of_a_name_has_to_pass_and_the_first_is_connected_to() -> None:
    listed = parse_allowed(["10.5.0.0/16:80"])
    guard = EgressGuard(listed, at, resolver=answering("10.5.0.2", "10.5.0.1"))
    assert (await guard.permit("x", 80, lambda _: True)).address == "10.5.0.2"
    guard = EgressGuard(listed, at, resolver=answering("10.5.0.2", "10.6.0.1"))
    assert (await refused(guard, "x")).startswith("403 target_denied default-deny")


async def test_a_name_without_an_address() -> None:
    async def fails(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    for resolver in (answering(), fails):
        told = await refused(EgressGuard((), at, resolver=resolver), "x")
        assert told == "502 no_target dns The target's name has no address."


@played
async def test_a_name_that_takes_longer_than_five_seconds() -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.sleep(seconds)
        return ["10.5.0.1"]

    guard = EgressGuard(parse_allowed(["10.5.0.0/16:80"]), at, resolver=slow)
    seconds = 4.9
    assert (await guard.permit("x", 80, lambda _: True)).address == "10.5.0.1"
    seconds = 5.1
    told = await refused(guard, "x")
    assert told == "504 target_timeout target_timeout The target's name could not be resolved in time."


async def test_the_system_resolves_names_for_streams_and_each_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def getaddrinfo(host: str, port: int, **more: Any) -> list[Any]:
        asked.append((host, port, more))
        return [(0, 0, 0, "", (address, port)) for address in ("10.5.0.2", "10.5.0.1", "10.5.0.2")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    assert await resolve_name("x", 80) == ["10.5.0.2", "10.5.0.1"]
    assert asked == [("x", 80, {"type": socket.SOCK_STREAM})]
    assert EgressGuard((), at)._resolver is egress.resolve_name
