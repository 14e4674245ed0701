"""When the way of an earlier request is used again, and which are kept: each condition alone."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from guildnet.identity import ANONYMOUS, Identity
from guildnet_proxy.frontdoor.memory import Memory
from guildnet_proxy.frontdoor.request import Request
from guildnet_proxy.frontdoor.way import Way, Ways
from guildnet_proxy.http.forward import Forward, Listener, Place
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rewrite.request_head import Caller, Sent
from guildnet_proxy.rewrite.response_head import WorkspaceRules
from guildnet_proxy.sites import Site
from unit.proxy import values
from unit.proxy.test_ways import Room
from unit.proxy.values import CONTROL, LOCAL, head, record

TCP, OTHER = Listener("tcp", private=False), Listener("tailnet", private=False)
OWN = Site(LOCAL, b"ws.guildnet.localhost:8080", "http://ws.guildnet.localhost:8080", "ws")
ANN = Identity("user", "ann@x", "Ann", (), (), "session", LOCAL)
FROM = "10.9.9.9"
ROUTE = b"/proxy/server/ws"
NOW = 1000.0


class Kept:
    """A memory with one way of a room's, whose clocks are set."""

    def __init__(
        self, *, control: bool = False, keeps_root: bool = True, wall: float = NOW, clock: float = inf
    ) -> None:
        self.wall = self.clock = NOW
        self.room = Room()
        self.room.authenticator.wall = lambda: self.wall
        self.room.authenticator.clock = lambda: self.clock
        self.workspaces = self.room.remembering.door.workspaces
        self.memory = Memory(self.room.sites, self.room.authenticator, self.workspaces)
        self.way = way(keeps_root=keeps_root)
        self.way.identity, self.way.who, self.way.wall, self.way.clock = ANN, "ann@x", wall, clock
        self.ways = Ways("local", "", control=control, version=self.version())
        self.ways.add((b"GET", FROM, ROUTE if control else b""), self.way)
        self.known: object = {"tcp": self.ways}
        self.record = record()

    def version(self) -> int:
        return self.room.index.version + self.room.sites.version + self.room.authenticator.version

    def recalled(self, target: str = "/lab", *, listener: Listener = TCP, address: str = FROM) -> str | None:
        """The request line that is sent to the workspace; None where the way is not used."""
        found: Forward | None = self.memory.recall(self.known, head(target=target), listener, address, self.record)
        return None if found is None else found.head.partition(b" HTTP/")[0].decode()


def way(*, base: bytes = b"", keeps_root: bool = True) -> Way:
    rules = WorkspaceRules(values.OWN, frozenset(), b"", strips=False)
    places = (Place("10.0.0.1", 8080),)
    return Way("ws", "uid", "service", places, Sent(b"Host: ws\r\n", b""), rules, base=base, keeps_root=keeps_root)


def test_a_way_is_used_again_for_the_same_method_address_and_listener() -> None:
    kept = Kept()
    assert kept.recalled("/lab?x") == "GET /lab?x"
    assert (kept.record.who, kept.record.workspace, kept.record.rule, kept.record.path) == (
        "ann@x", "ws", "service", "/lab",
    )  # fmt: skip
    assert (kept.record.entry, kept.record.kind, kept.record.method) == ("local", "workspace", "GET")
    assert dict(kept.workspaces.admission.active) == {"uid": 1}, "each is counted"
    assert kept.recalled(address="10.9.9.8") is None
    assert kept.recalled(listener=OTHER) is None
    others: tuple[object, ...] = (None, {}, "something else")
    for known in others:
        kept.known = known
        assert kept.recalled() is None


CHANGES: dict[str, Any] = {
    "sites": lambda room: room.sites.learn("h.ts.example"),
    "index": lambda room: room.index.remove_slice("slice-0"),
    "callers": lambda room: room.authenticator.ended.end("a-session", NOW + 1),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_way_is_given_up_when_anything_that_it_rests_on_has_changed(what: str) -> None:
    kept = Kept()
    CHANGES[what](kept.room)
    assert kept.recalled() is None


def test_a_way_lasts_to_the_last_moment_of_its_caller() -> None:
    kept = Kept(wall=NOW, clock=NOW)
    assert kept.recalled() is not None
    kept.clock = NOW + 0.1
    assert kept.recalled() is None
    kept.clock, kept.wall = NOW, NOW + 0.1
    assert kept.recalled() is None


def test_what_lasts_for_ever_asks_no_clock() -> None:
    kept = Kept(clock=inf)
    kept.room.authenticator.clock = lambda: pytest.fail("a clock was read")
    assert kept.recalled() is not None


@pytest.mark.parametrize("control", [False, True], ids=["own origin", "path form"])
@pytest.mark.parametrize(
    ("target", "again"), [("/", False), ("/?a", False), ("/lab", True), ("/lab/?a", True), ("/;a", True)]
)
def test_a_root_that_the_workspace_does_not_have_is_decided_anew(target: str, *, control: bool, again: bool) -> None:
    base = ROUTE.decode() if control else ""
    assert (Kept(control=control, keeps_root=False).recalled(base + target) is not None) is again
    assert Kept(control=control, keeps_root=True).recalled(base + target) == f"GET {target}"


def test_the_path_form_is_told_apart_by_the_workspace_that_it_names_and_an_own_origin_is_not() -> None:
    assert Kept(control=True).recalled("/proxy/server/other/lab") is None
    assert Kept(control=True).recalled("/lab") is None
    assert Kept().recalled("/proxy/server/ws/lab") == "GET /proxy/server/ws/lab"
    assert Kept().recalled("/.guildnet/status") is None, "of an own origin it is ours"
    assert Kept(control=True).recalled("/proxy/server/ws/.guildnet/status") == "GET /.guildnet/status"


def test_a_request_has_the_id_that_its_fields_give_it() -> None:
    kept = Kept()
    kept.recalled()
    assert kept.record.request_id == "rid"
    kept.ways.request_id = "given"
    kept.recalled()
    assert kept.record.request_id == "given"


def request(
    *lines: str, target: str = "/lab", site: Site = OWN, listener: Listener = TCP, made: RequestHead | None = None
) -> Request:
    made = made or head(*lines, target=target)
    made.block.again = True
    asked = Request(made, listener, site, record(), Caller(FROM, site), FROM)
    asked.way, asked.seen = way(), made.target
    return asked


def kept_of(asked: Request, who: Identity = ANN, kept: Kept | None = None) -> Any:
    (kept or Kept()).memory.keep(asked, who, None)
    slot = asked.head.block.slot
    return slot.get(asked.listener.name) if isinstance(slot, dict) else None


def test_what_is_kept_of_a_request() -> None:
    kept = Kept()
    asked = request(f"Cookie: {kept.room.values['ann']}", site=CONTROL, target="/proxy/server/ws/lab")
    asked.seen = b"/lab"
    ways = kept_of(asked, kept=kept)
    assert ways.by_key == {(b"GET", FROM, ROUTE): asked.way}
    assert (ways.entry, ways.request_id, ways.control, ways.version) == ("local", "", True, kept.version())
    assert asked.way is not None
    assert (asked.way.identity, asked.way.who) == (ANN, ANN.subject)
    until = kept.room.authenticator.until(asked.head, TCP, CONTROL, None, FROM)
    assert (asked.way.wall, asked.way.clock) == until == (NOW + 12 * 3600, inf)
    assert list(kept_of(request()).by_key) == [(b"GET", FROM, b"")]
    assert kept_of(request("X-Request-Id: rid")).request_id == "rid"
    assert kept_of(request("X-Request-Id: another")).request_id == "", "it was not taken over"


def test_what_is_not_kept() -> None:
    without, first = request(), request()
    without.way = None
    assert kept_of(without) is None
    assert kept_of(request(), ANONYMOUS) is None, "of a stranger"
    first.head.block.again = False
    assert kept_of(first) is None, "of fields that came for the first time"
    assert kept_of(request(site=CONTROL)) is None, "of the control origin's own pages"
    assert kept_of(request(target="/proxy/server/ws/~x/y", site=CONTROL)) is None, "its own path looks like a port"


def test_ways_of_one_block_are_kept_together_while_nothing_changes() -> None:
    kept = Kept()
    made = head()
    first = kept_of(request(made=made), kept=kept)
    other = kept_of(request(made=made, listener=OTHER), kept=kept)
    assert other is not first, "each kind of listener has its own"
    assert kept_of(request(made=made), kept=kept) is first
    CHANGES["index"](kept.room)
    assert kept_of(request(made=made), kept=kept) is not first, "what they rest on has changed"
