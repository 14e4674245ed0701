"""A workspace is found by the first rule that answers; any other address is denied unless it was judged allowed."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.cluster.index import Endpoint, Index, Slice, parse_slice
from guildnet_proxy.cluster.own_addresses import OwnAddresses
from guildnet_proxy.frontdoor.egress import EgressGuard, never, parse_allowed, unmapped
from guildnet_proxy.frontdoor.resolve import Resolved, path_mode, resolve, unresolved
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule
from unit.proxy.values import workspace


def index_with(*endpoints: Endpoint, **more: Any) -> tuple[Index, Any]:
    index = Index()
    found = workspace(**more)
    index.put_workspace(found)
    index.put_slice(Slice("s", "service-ws", endpoints))
    return index, found


def ask(index: Index, found: Any, port: int | None = None) -> Resolved:
    return resolve(index, found, port, namespace="ns", domain="cluster.local")


def pod(port: int, *, name: str = "", ready: bool = True, address: str = "10.1.1.1") -> Endpoint:
    return Endpoint(address, port, name, ready)


def env(value: str) -> dict[str, Any]:
    return {"env": [{"name": "AGENT_HOST", "value": value}]}


def test_the_service_answers_with_the_first_declared_port():
    index, found = index_with(
        pod(9), pod(7), pod(7, address="10.1.1.2"), spec={"ports": [{"containerPort": 7}, {"containerPort": 9}]}
    )
    got = ask(index, found)
    assert (got.rule, got.port, got.addresses, got.scheme) == ("service", 7, ("10.1.1.1", "10.1.1.2"), "http")
    assert ask(index, found, 9).port == 9


def test_without_declared_ports_8080_comes_before_8443():
    assert ask(*index_with(pod(8443), pod(8080))).port == 8080
    assert ask(*index_with(pod(8443))).scheme == "https"


@pytest.mark.parametrize(
    ("image", "port", "mode"),
    [("acme/streamlit-app", 8501, "Preserve"), ("tsl0922/ttyd", 7681, "Preserve"), ("theasp/novnc", 6080, "Strip")],
)
def test_a_known_image_that_names_no_ports_lives_where_the_operator_put_it(image: str, port: int, mode: str):
    index, found = index_with(pod(port), spec={"image": image})
    assert (ask(index, found).port, ask(index, found).path_mode, path_mode(found, None)) == (port, mode, mode)


@pytest.mark.parametrize(
    ("value", "host", "port", "scheme"),
    [
        ("h:8443", "h", 8443, "https"),
        ("h:1234", "h", 1234, "http"),
        ("h", "h", 8080, "http"),
        ("10.0.0.1", "10.0.0.1", 8080, "http"),
    ],
)
def test_agent_host_answers_when_the_service_does_not(value, host, port, scheme):
    got = ask(*index_with(spec=env(value)))
    assert (got.rule, got.host, got.port, got.scheme, got.addresses) == ("agent-host", host, port, scheme, ())


def test_a_bare_agent_host_takes_a_declared_port():
    spec = env("h") | {"ports": [{"containerPort": 3000}, {"containerPort": 8443}]}
    assert ask(*index_with(spec=spec)).port == 8443


def test_dns_is_the_last_rule():
    got = ask(*index_with(name="My-ws".lower(), status={"serviceUID": None}))
    assert (got.rule, got.host, got.port) == ("dns", "my-ws.ns.svc.cluster.local", 8080)


@pytest.mark.parametrize(
    ("more", "port", "status", "code"),
    [
        ({"spec": {"running": False}}, None, 409, "stopped"),
        ({"status": {"phase": "Stopped"}}, None, 409, "stopped"),
        ({"status": {"phase": "Pending", "serviceUID": None}}, None, 503, "starting"),
        ({"status": {"phase": "Failed", "lastError": "no such image"}}, None, 503, "failed"),
        ({}, None, 503, "starting"),
        ({}, 1234, 404, "unknown_port"),
        ({"spec": env("not a host")}, None, 502, "no_target"),
    ],
)
def test_why_there_is_no_way(more, port, status, code):
    with pytest.raises(Refusal) as refused:
        ask(*index_with(pod(8080, ready=False), **more), port)
    assert (refused.value.status, refused.value.code) == (status, code)


def slice_object(**more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "s", "namespace": "ns", "ownerReferences": [{"kind": "Service", "uid": "u"}]},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.1.1.1"], "targetRef": {"kind": "Pod", "name": "p", "namespace": "ns"}}],
    } | more


@pytest.mark.parametrize(
    ("more", "uid", "count"),
    [
        ({}, "u", 1),
        ({"metadata": {"name": "s", "namespace": "ns"}}, "", 1),
        ({"metadata": {"name": "s", "ownerReferences": [{"kind": "Pod", "uid": "u"}]}}, "", 0),
        ({"endpoints": [{"addresses": ["10.1.1.1"]}]}, "u", 0),
        ({"endpoints": [{"addresses": ["1.1.1.1"], "targetRef": {"kind": "Node", "namespace": "ns"}}]}, "u", 0),
        ({"endpoints": [{"addresses": ["1.1.1.1"], "targetRef": {"kind": "Pod", "namespace": "other"}}]}, "u", 0),
        ({"ports": None, "endpoints": None}, "u", 0),
    ],
    ids=["own", "nobodys", "not-a-service", "no-target", "node", "other-namespace", "empty"],
)
def test_a_slice_counts_only_with_an_owner_and_pods(more, uid, count):
    parsed = parse_slice(slice_object(**more))
    assert (parsed.service_uid, len(parsed.endpoints)) == (uid, count)


def test_a_foreign_slice_never_becomes_an_endpoint():
    index, found = index_with(pod(8080))
    index.put_slice(Slice("foreign", "another", (pod(8080, address="10.6.6.6"),)))
    index.put_slice(Slice("nobodys", "", (pod(8080, address="10.6.6.6"),)))
    assert [item.address for item in index.endpoints(found)] == ["10.1.1.1"]
    index.remove_slice("s")
    assert index.endpoints(found) == ()


def test_a_name_used_again_takes_its_own_label_and_port():
    index = Index()
    index.put_workspace(
        workspace(uid="aaaaaaaa-1", status={"origin": {"port": 20001}}, labels={"guildnet.io/id": "old"})
    )
    index.put_workspace(workspace(uid="bbbbbbbb-1", status={"origin": {"port": 20002}}))
    assert index.by_label("ws-aaaaaaaa") is None
    assert index.by_port(20001) is None
    assert index.find("old") is None
    assert index.by_port(20002) == index.by_label("ws-bbbbbbbb") == (index.find("ws"), None)
    assert index.origin_ports() == (20002,)


def test_every_declared_port_is_found_by_its_own_label_and_tailnet_port():
    index = Index()
    spec = {"ports": [{"containerPort": 8080}, {"containerPort": 9000}]}
    origin = {"port": 20001, "ports": [{"containerPort": 9000, "port": 20007}, {"containerPort": 9999, "port": 20008}]}
    index.put_workspace(workspace(spec=spec, status={"origin": origin}))
    found = index.find("ws")
    assert index.by_label("9000-ws-12345678") == index.by_port(20007) == (found, 9000)
    assert index.by_label("8080-ws-12345678") is None, "the first port has the workspace's own"
    assert index.by_port(20008) is None, "it does not declare 9999"
    assert index.origin_ports() == (20001, 20007)
    index.put_workspace(workspace(spec={"ports": [{"containerPort": 8080}]}, status={"origin": {"port": 20001}}))
    assert (index.by_label("9000-ws-12345678"), index.by_port(20007)) == (None, None)
    index.remove_workspace("ws")
    assert (index.by_label("ws-12345678"), index.origin_ports()) == (None, ())


def test_another_port_of_an_agent_host_is_another_port_of_it():
    spec = env("h:8080") | {"ports": [{"containerPort": 8080}, {"containerPort": 9090}]}
    assert ask(*index_with(spec=spec)).port == 8080
    assert ask(*index_with(spec=spec), 9090).port == 9090


# ---- egress --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "never-loopback"), ("127.9.9.9", "never-loopback"), ("::1", "never-loopback"),
        ("::ffff:127.0.0.1", "never-loopback"),
        ("::127.0.0.1", "never-loopback"), ("64:ff9b::7f00:1", "never-loopback"), ("2002:7f00:1::", "never-loopback"),
        ("169.254.169.254", "never-link-local"), ("fe80::1", "never-link-local"),
        ("::ffff:169.254.169.254", "never-link-local"),
        ("fd00:ec2::254", "never-metadata"), ("168.63.129.16", "never-metadata"),
        ("0.0.0.0", "never-unspecified"), ("::", "never-unspecified"),
        ("0.1.2.3", "never-unspecified"), ("224.0.0.1", "never-multicast"), ("ff02::1", "never-multicast"),
        ("255.255.255.255", "never-reserved"),
        ("100.64.0.7", "never-tailnet"), ("100.127.255.255", "never-tailnet"), ("fd7a:115c:a1e0::1", "never-tailnet"),
        ("100.100.100.200", "never-metadata"), ("10.96.0.1", "never-own"), ("::ffff:10.96.0.1", "never-own"),
        ("10.1.1.1", None), ("192.168.0.1", None), ("8.8.8.8", None), ("2001:db8::1", None),
    ],
)  # fmt: skip
def test_addresses_that_are_never_targets(address, kind):
    assert never(ip_address(address), OwnAddresses("10.96.0.1")) == kind


@given(st.ip_addresses(v=4))
def test_no_spelling_of_an_ipv4_address_inside_ipv6_hides_it(address):
    value = int(address)
    for text in (
        f"::ffff:{address}",
        f"64:ff9b::{value >> 16:x}:{value & 0xFFFF:x}",
        f"2002:{value >> 16:x}:{value & 0xFFFF:x}::",
    ):
        assert unmapped(ip_address(text)) == address


async def permit(guard: EgressGuard, host: str, port: int = 80, *, may: bool = True) -> str:
    try:
        return (await guard.permit(host, port, lambda _: may)).address
    except Refusal as error:
        return error.rule


async def test_the_gate_denies_by_default_and_opens_what_was_listed_or_is_ones_own():
    index, _ = index_with(pod(8080), spec={"ports": [{"containerPort": 8080}]}, status={"serviceIP": "10.96.0.50"})
    guard = EgressGuard(parse_allowed(["10.5.0.0/16:80", "[fd00::/64]:443", "127.0.0.0/8:80"]), index.at)
    assert await permit(guard, "10.9.9.9") == "default-deny"
    assert await permit(guard, "10.5.1.2") == "10.5.1.2"
    assert await permit(guard, "10.5.1.2", 81) == "default-deny"
    assert await permit(guard, "fd00::1", 443) == "fd00::1"
    assert await permit(guard, "127.0.0.1") == "never-loopback"
    assert await permit(guard, "10.1.1.1", 8080) == "10.1.1.1"
    assert await permit(guard, "10.96.0.50", 8080) == "10.96.0.50"
    assert await permit(guard, "10.96.0.50", 22) == "default-deny"
    assert await permit(guard, "10.1.1.1", 8080, may=False) == "workspace"


async def test_a_name_is_resolved_once_and_every_answer_counts():
    asked: list[str] = []
    answers = [["10.5.0.1"], ["127.0.0.1"]]

    async def flip_flop(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    guard = EgressGuard(parse_allowed(["10.5.0.0/16:80"]), lambda *_: None, resolver=flip_flop)
    assert await permit(guard, "rebinder.example") == "10.5.0.1"
    assert asked == ["rebinder.example"]

    async def mixed(host: str, port: int) -> list[str]:
        return ["10.5.0.1", "169.254.169.254"]

    assert (
        await permit(EgressGuard(parse_allowed(["10.5.0.0/16:80"]), lambda *_: None, resolver=mixed), "x")
        == "never-link-local"
    )

    async def none(host: str, port: int) -> list[str]:
        raise OSError

    assert await permit(EgressGuard((), lambda *_: None, resolver=none), "x") == "dns"


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.0/8:0", "10.0.0.0/8:x", "name:80", "10.0.0.1/8:80", ":80"])
def test_a_bad_allowed_target_is_named(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_allowed([text])


def test_a_workspace_that_nothing_leads_to_names_both_remedies():
    refusal = unresolved(workspace())
    assert (refusal.status, refusal.rule) == (502, Rule.NO_TARGET)
    assert "AGENT_HOST" in refusal.message
    assert "ports" in refusal.message


def test_this_pod_and_the_api_server_are_never_targets_whatever_is_listed():
    own = OwnAddresses("10.1.2.3", "10.96.0.1")
    assert [never(ip_address(text), own) for text in ("10.1.2.3", "10.96.0.1", "10.1.2.4")] == ["never-own"] * 2 + [
        None
    ]
