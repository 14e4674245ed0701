"""A front door that remembers what it decided and one that does not answer alike, byte for byte, whatever happens."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guildnet import access, capability
from guildnet.errors import Unreachable
from guildnet.identity import Identity
from guildnet.names import origin_label
from guildnet_proxy import app
from guildnet_proxy.app import door_of
from guildnet_proxy.auth.authenticate import Authenticator
from guildnet_proxy.auth.sessions import Session, Sessions
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.cluster.index import Endpoint, Index, Slice
from guildnet_proxy.cluster.own_addresses import OwnAddresses
from guildnet_proxy.frontdoor import own_routes
from guildnet_proxy.frontdoor.dispatch import FrontDoor
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.frontdoor.way import MAX_WAYS_OF_A_BLOCK, Origin, Way, Ways, route_of
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer, Forward, Listener
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import Heads
from guildnet_proxy.http.message.response import ResponseHead
from guildnet_proxy.rewrite.request_head import Sent
from guildnet_proxy.rewrite.response_head import WorkspaceRules
from guildnet_proxy.settings import Settings
from guildnet_proxy.sites import Sites
from guildnet_proxy.tailnet.localapi import Peer
from unit.proxy import values
from unit.proxy.test_authenticator import OURS
from unit.proxy.values import LOCAL, workspace

TCP, PRIVATE = Listener("tcp", private=False), Listener("tailnet", private=True)
HOST = "guildnet.localhost:8080"
UIDS = ("11111111-uid", "22222222-uid")
RESPONSE = (
    b"HTTP/1.1 302 Found\r\nServer: x\r\nLocation: http://10.0.0.1:8080/there\r\nSet-Cookie: a=b; Path=/; HttpOnly\r\n"
    b"Content-Security-Policy: frame-ancestors *\r\nAccess-Control-Allow-Origin: http://guildnet.localhost:8080\r\n\r\n"
)


class Room:
    """What two doors share: the index, the sites, who is who, and the time. `hits` counts the ways used again."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.settings = Settings(
            local_origin=LOCAL.origin, tailnet_socket="-", tailscaled_socket="-", serve_file="-",
            streams_per_workspace=2, requests_per_identity=3, upgrades_per_identity=1, access_default="owner", frontend_origin="https://ui.example",
        )  # fmt: skip
        self.index = Index()
        self.sites = Sites((LOCAL,), tailnet_mode="port")
        self.sites.learn("g.ts.example")
        self.sessions = Sessions(b"k" * 32, "guildnet")
        self.peers = {"100.64.0.7": Peer("laptop", "ann@x", "Ann", (), ())}
        self.authenticator = Authenticator(
            self.sessions, audience="guildnet", admin="guildnet:guildnet-admin", review=self._review,
            whois=self._whois, clock=lambda: self.now, wall=lambda: self.now,
        )  # fmt: skip
        self.ann = Identity("user", "ann@x", "Ann", (), (), "session", LOCAL)
        self.bob = Identity("user", "bob@x", "Bob", (), ("admin",), "session", LOCAL)
        self.values = {"": ""} | {name: self._cookie(name) for name in ("ann", "bob")}
        self.forgetful = Side(self, remembers=False)
        self.remembering = Side(self, remembers=True)
        self.put(0)
        self.slice(0, ready=True)
        self.index.set_capabilities(())

    async def _review(self, token: str) -> TokenReview:
        return TokenReview(authenticated=True, username="ann@x")

    async def _whois(self, address: str) -> Peer:
        if address not in self.peers:
            raise Unreachable("no such peer")
        return self.peers[address]

    def _cookie(self, name: str) -> str:
        who = {"ann": self.ann, "bob": self.bob}[name]
        session = Session(who, self.now + 500)
        own = "; ".join(
            f"{self.sessions.names.workspace}={self.sessions.issue_workspace(session, uid)}" for uid in UIDS[:1]
        )
        return f"{self.sessions.names.session}={self.sessions.issue(who, LOCAL, self.now)}; {own}; mine=1; gn20001-x=2"

    # ---- what happens -----------------------------------------------------------------------------------------------

    def put(self, number: int, *, owner: str = "ann@x", mode: str = "Strip", running: bool = True) -> None:
        spec = {"ports": [{"containerPort": 8080, "pathMode": mode}, {"containerPort": 9090}], "running": running}
        annotations = {"guildnet.io/owner": owner}
        status = {"origin": {"port": 20001 + number}, "serviceUID": f"service-{number}"}
        name = f"ws{number}"
        self.index.put_workspace(
            workspace(name, spec=spec, status=status, uid=UIDS[number], annotations=annotations, labels={"team": "a"})
        )

    def slice(self, number: int, *, ready: bool, address: str = "10.0.0.1") -> None:
        endpoints = tuple(Endpoint(address, port, "http", ready) for port in (8080, 9090))
        self.index.put_slice(Slice(f"slice-{number}", f"service-{number}", endpoints))

    def another_device(self, *, after: float) -> None:
        self.peers["100.64.0.7"] = Peer("laptop", "bob@x", "Bob", (), ())
        self.now += after

    def capabilities(self, who: str) -> None:
        subject = {"kind": "User", "name": who}
        spec = {"subjects": [subject], "actions": ["proxy"], "selector": {"matchLabels": {"team": "a"}}}
        self.index.set_capabilities((capability.parse({"metadata": {"name": "c"}, "spec": spec}),))

    def asks(self, ask: Ask) -> tuple[Any, Any]:
        return self.forgetful.asks(ask), self.remembering.asks(ask)


@dataclass(frozen=True)
class Ask:
    method: str = "GET"
    host: int = 0
    target: str = "/lab"
    who: str = "ann"
    fields: tuple[str, ...] = ()
    address: str = "10.9.9.9"
    private: bool = False
    holds: bool = False


class Side:
    """One front door, with or without a memory of heads."""

    def __init__(self, room: Room, *, remembers: bool) -> None:
        self.room = room
        self.remembers = remembers
        self.heads = Heads(Limits())
        self.denied: list[tuple[Any, ...]] = []
        self.held: list[Record] = []
        self.hits = 0
        told: Any = SimpleNamespace(denied=self._denied, session=lambda *_: None, spans=None)
        own = OwnAddresses()
        self.door: FrontDoor = door_of(room.settings, room.index, room.sites, room.authenticator, told, b"k" * 32, own)
        self.door._wall = self.door._own_routes._wall = lambda: room.now

    def _denied(self, record: Record, error: Refusal) -> None:
        self.denied.append((record.method, record.path, record.workspace, record.who, error.rule, error.status))

    def asks(self, ask: Ask) -> Any:
        heads = self.heads if self.remembers else Heads(Limits())
        if not self.remembers:
            self.door.workspaces._origins.clear()
        try:
            data = wire(self.room, ask)
            head = heads.known(data) or heads.parse(data)
        except Refusal as error:
            return error.status, error.rule
        record = Record("rid", 1.0)
        self.hits += head.block.slot is not None
        decision = self.door.handle(head, PRIVATE if ask.private else TCP, "" if ask.private else ask.address, record)
        outcome = decision if isinstance(decision, Answer | Forward) else run(decision)
        if ask.holds:
            self.held.append(record)
        else:
            self.door.release(record)
        return told_of(outcome), filled_in(record), self.denied[-1:], self._counted()

    def _counted(self) -> Any:
        admission = self.door.workspaces.admission
        callers = {name: (mine.requests, mine.upgrades) for name, mine in admission.callers.items()}
        return dict(admission.active), callers, dict(admission.refused)

    def release(self) -> None:
        while self.held:
            self.door.release(self.held.pop())


def filled_in(record: Record) -> dict[str, Any]:
    """All but what may differ: an address is asked for only where it matters, the caller's count is an object."""
    names = {name for name in dir(record) if not name.startswith("_")} - {"address", "in_flight"}
    return {name: getattr(record, name) for name in names}


def run(decision: Awaitable[Any]) -> Any:
    async def wait() -> Any:
        return await decision

    return LOOP.run_until_complete(wait())


LOOP: Any = None


@pytest.fixture(autouse=True, scope="module")
def around() -> Iterator[None]:
    """A loop, and TLS contexts that are made once: they take most of a door's time."""
    global LOOP  # noqa: PLW0603  the loop of all examples
    LOOP = asyncio.new_event_loop()
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "unverified_tls", lambda: context)
        patch.setattr(own_routes, "new_nonce", lambda: "n" * 32)
        patch.setattr(ssl, "create_default_context", lambda **_: context)
        yield
    LOOP.close()


def wire(room: Room, ask: Ask) -> bytes:
    labels = (origin_label("ws0", UIDS[0]), origin_label("ws1", UIDS[1]), origin_label("ws0", UIDS[0], 9090))
    first, second, other = (f"{label}.{HOST}" for label in labels)
    named = (HOST, first, second, "elsewhere", other)
    lines = [f"{ask.method} {ask.target} HTTP/1.1", f"Host: {named[ask.host]}"]
    if ask.private:
        name = ("g.ts.example", "g.ts.example:20001", "g.ts.example:20002", "elsewhere", "g.ts.example:20099")[ask.host]
        lines += [f"X-Forwarded-Host: {name}", "X-Forwarded-For: 100.64.0.7", "Tailscale-User-Login: ann@x"]
    if room.values[ask.who]:
        lines.append(f"Cookie: {room.values[ask.who]}")
    return "\r\n".join((*lines, *ask.fields, "", "")).encode()


def told_of(outcome: Answer | Forward) -> Any:
    if isinstance(outcome, Answer):
        return outcome.encode(head_only=False, keep_alive=True)
    lines = outcome.rules.lines(ResponseHead(RESPONSE, outcome.rules.names), outcome.note)
    places = [(place.address, place.port, place.tls is not None, place.server_name) for place in outcome.places]
    return places, outcome.head, outcome.who, b"".join(lines)


TARGETS = (
    "/", "/?a=b", "/lab", "/lab?token=x", "/.guildnet/status", "/.guildnet/other", "/proxy/server/ws0",
    "/proxy/server/ws0/", "/proxy/server/ws0/lab?x", "/proxy/server/ws0?x=/y", "/proxy/server/ws0/~9090/x",
    "/proxy/server/ws0/~x/y", "/proxy/server/ws0/%7E9090/x", "/proxy/server/ws0/~9090", "/proxy/server/w%730/x",
    "/proxy/server/ws1/x", "/proxy/server/none/x", "/proxy/10.0.0.1:8080/x", "/proxy?to=10.0.0.1:8080", "/api/me",
    "/proxy/server/ws0/~99999/x",
)  # fmt: skip
FIELDS = (
    (), ("Sec-Fetch-Site: same-origin",), ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: empty"),
    ("Sec-Fetch-Site: cross-site",), (f"Origin: http://{HOST}",),
    ("Origin: https://evil.example",), ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none"),
    ("X-Request-Id: trace.1",), (f"Authorization: Bearer {OURS}",), ("Authorization: Bearer app", "Connection: X-Drop",
    "X-Drop: 1"), ("Content-Length: 0",), ("Content-Length: 1",), ("Connection: Upgrade", "Upgrade: websocket"),
)  # fmt: skip
ASKS = st.builds(
    Ask, method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "DELETE"]),
    host=st.sampled_from([0, 1, 1, 1, 2, 3, 4]), target=st.sampled_from(TARGETS),
    who=st.sampled_from(["ann", "ann", "ann", "bob", ""]),
    fields=st.sampled_from(FIELDS) | st.just(()), address=st.sampled_from(["10.9.9.9", "10.9.9.8"]),
    private=st.sampled_from([False, False, True]), holds=st.booleans(),
)  # fmt: skip
EVENTS: dict[str, Any] = {
    "another owner": lambda room: room.put(0, owner="carol@x"),
    "the owner again": lambda room: room.put(0),
    "stopped": lambda room: room.put(0, running=False),
    "knows its base": lambda room: room.put(0, mode="Preserve"),
    "another workspace": lambda room: (room.put(1), room.slice(1, ready=True)),
    "deleted": lambda room: room.index.remove_workspace("ws0"),
    "not ready": lambda room: room.slice(0, ready=False),
    "moved": lambda room: room.slice(0, ready=True, address="10.0.0.2"),
    "no endpoints": lambda room: room.index.remove_slice("slice-0"),
    "ready": lambda room: room.slice(0, ready=True),
    "capability of ann": lambda room: room.capabilities("ann@x"),
    "capability of bob": lambda room: room.capabilities("carol@x"),
    "no capabilities": lambda room: room.index.set_capabilities(()),
    "unreadable capabilities": lambda room: room.index.set_capabilities(None),
    "a minute": lambda room: setattr(room, "now", room.now + 61),
    "sessions of origins end": lambda room: setattr(room, "now", room.now + 501),
    "all sessions end": lambda room: setattr(room, "now", room.now + 13 * 3600),
    "the device is another's": lambda room: room.another_device(after=0),
    "the device is another's, and a minute": lambda room: room.another_device(after=61),
    "another tailnet name": lambda room: room.sites.learn("h.ts.example"),
    "all is over": lambda room: (room.forgetful.release(), room.remembering.release()),
}
STEPS = st.lists(st.tuples(ASKS, st.integers(1, 3)) | st.sampled_from(sorted(EVENTS)), max_size=25)


@settings(max_examples=300)
@given(STEPS)
def test_memory_changes_nothing(steps: list[tuple[Ask, int] | str]) -> None:
    room = Room()
    asked: list[Ask] = []
    for step in steps:
        if isinstance(step, str):
            EVENTS[step](room)
        else:
            asked += [step[0]] * step[1]
        for ask in asked[-6:] if isinstance(step, str) else asked[-step[1] :]:
            without, with_ = room.asks(ask)
            assert with_ == without


OWN = Ask(host=1)
PATH = Ask(host=0, target="/proxy/server/ws0/lab?x", fields=("Sec-Fetch-Dest: empty",))
TAILNET = Ask(host=1, private=True)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("ask", [OWN, PATH, TAILNET], ids=["own origin", "path form", "tailnet"])
def test_a_way_that_is_used_again_is_given_up_when_it_has_to_be(ask: Ask, event: str) -> None:
    room = Room()
    for _ in range(4):
        without, with_ = room.asks(ask)
        assert with_ == without
    assert room.remembering.hits >= 1, "or nothing is shown here"
    EVENTS[event](room)
    for _ in range(3):
        without, with_ = room.asks(ask)
        assert with_ == without


@pytest.mark.parametrize("ask", [OWN, PATH, TAILNET], ids=["own origin", "path form", "tailnet"])
def test_a_root_that_is_not_the_workspaces_own_is_told_apart_from_the_rest(ask: Ask) -> None:
    room = Room()
    room.put(0, mode="Preserve")
    base = "/proxy/server/ws0" if ask is PATH else ""
    for target in ("/lab", "/lab", "/lab", "/", "/?a=b", "/lab", "/x"):
        without, with_ = room.asks(replace(ask, target=base + target))
        assert with_ == without
    assert room.remembering.hits >= 3, "or nothing is shown here"


def test_a_hit_decides_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    side = room.remembering
    for _ in range(3):
        side.asks(OWN)
    room.authenticator._read.clear()
    monkeypatch.setattr(room.sessions, "read_workspace", lambda *_: pytest.fail("asked again"))
    told, record, *_ = side.asks(Ask(host=1, target="/other?x"))
    assert told[1].startswith(b"GET /other?x HTTP/1.1\r\n")
    assert (record["who"], record["workspace"], record["path"]) == ("ann@x", "ws0", "/other")


def test_who_may_use_an_origin_is_decided_once_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of requests whose fields are others each time."""
    room, asked = Room(), []
    authorize = access.authorize

    def counted(*given: Any) -> access.Decision:
        asked.append(1)
        return authorize(*given)

    monkeypatch.setattr(access, "authorize", counted)
    rules = []
    for number in range(6):
        if number == 3:
            room.capabilities("ann@x")
        _, record, *_ = room.remembering.asks(Ask(host=1, fields=(f"X-Trace: {number}",)))
        rules.append(record["rule"])
    assert rules == ["service"] * 6
    assert len(asked) == 2
    room.capabilities("bob@x")
    for number in (7, 8):  # a refusal is not kept
        _, record, *_ = room.remembering.asks(Ask(host=1, fields=(f"X-Trace: {number}",)))
        rules.append(record["rule"])
    assert rules[6:] == ["no-capability"] * 2


def test_an_origin_remembers_few_callers() -> None:
    origin = Origin(workspace("ws0", uid=UIDS[0]), values.OWN)
    people = [Identity("user", f"{number}@x", "", (), (), "session", LOCAL) for number in range(1000)]
    for who in people:
        origin.allow(who, "rule")
        assert origin.allowed[id(who)] == (who, "rule")
    assert len(origin.allowed) == 1000 - 3 * 256, "at 256 it begins anew"


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/proxy/server/ws/x", "/proxy/server/ws"), ("/proxy/server/ws/", "/proxy/server/ws"),
        ("/proxy/server/ws", ""), ("/proxy/server/ws?a=/b", ""), ("/proxy/server/ws/~80/x", "/proxy/server/ws/~80"),
        ("/proxy/server/ws/~80", ""), ("/proxy/server/ws/~80?x/y", ""), ("/proxy/server/ws/%7E80/x", ""),
        ("/proxy/server/w%73/x", "/proxy/server/w%73"), ("/lab", ""), ("/proxy/10.0.0.1:80/x", ""),
        ("/proxy/server/", ""),
    ],
)  # fmt: skip
def test_what_of_a_target_a_way_is_kept_for(target: str, route: str) -> None:
    assert route_of(target.encode()) == route.encode()


def test_a_block_keeps_few_ways() -> None:
    room = Room()
    for number in range(100):
        room.remembering.asks(Ask(host=1, address=f"10.0.0.{number}"))
    block = room.remembering.heads.parse(wire(room, OWN)).block
    assert isinstance(block.slot, dict)
    assert len(block.slot["tcp"].by_key) <= 16


def test_the_ways_of_a_block_are_bounded_and_still_learn():
    rules = WorkspaceRules(values.OWN, frozenset(), b"", strips=False)
    way = Way("ws", "ws", "service", (), Sent(b"", b""), rules, base=b"", keeps_root=True)
    ways = Ways("local", "", control=False, version=1)
    for number in range(16):
        ways.add((b"GET", "10.0.0.1", b"%d" % number), way)
    assert len(ways.by_key) == MAX_WAYS_OF_A_BLOCK == 16
    ways.add((b"GET", "10.0.0.1", b"another"), way)
    assert list(ways.by_key) == [(b"GET", "10.0.0.1", b"another")]
