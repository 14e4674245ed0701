"""However the bytes of a connection are cut, and whatever comes first, both sides get what they get uncut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guildnet_proxy.http.forward import Answer, Forward, Listener
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.upstream import UpstreamConnection
from unit.proxy import messages
from unit.proxy.messages import Ask, Message, Reply
from unit.proxy.played import PLACE, Handler, Later, Played, Rewriter

NARROW = Limits(head_bytes=500, response_head_bytes=1000, pipelined_bytes=40, held_body_bytes=20)


class Target(Handler):
    """Decides by the target: `own` is answered here, `later` is decided a moment later."""

    def handle(self, head: RequestHead, _listener: Listener, _address: str, _record: Any) -> Any:
        outcome = Answer(200, head.target) if b"own" in head.target else Forward((PLACE,), self._head(head), Rewriter())
        return Later(outcome) if b"later" in head.target else outcome

    def _head(self, head: RequestHead) -> bytes:
        framing = b"Transfer-Encoding: chunked\r\n" if head.chunked else b""
        if head.length:
            framing = b"Content-Length: %d\r\n" % head.length
        framing += b"Upgrade: websocket\r\n" if head.upgrade else b""
        return b"%b %b HTTP/1.1\r\nHost: up\r\n%b\r\n" % (head.method, head.target, framing)


@dataclass(frozen=True)
class Seen:
    """What came out: messages to the upstream and to the client, and how the client's connection stands."""

    upstream: list[Message]
    client: list[Message]
    end: tuple[bool, bool, bool]


class Split:
    """Plays one connection: `cuts` cut every stream of bytes, `turns` choose what happens next."""

    def __init__(
        self, asks: Sequence[Ask], replies: Sequence[Reply], cuts: Sequence[int], turns: Sequence[int]
    ) -> None:
        self.it = Played(NARROW, Target())
        self.methods = [ask.method for ask in asks]
        self.replies = replies
        self.cuts = cuts
        self.turns = turns
        self.sent = self._cut(b"".join(ask.wire for ask in asks))
        self.coming: dict[UpstreamConnection, list[bytes | None]] = {}
        self.answered: dict[UpstreamConnection, int] = {}
        self.full = 0

    def _cut(self, wire: bytes) -> list[bytes]:
        at = sorted({0, len(wire), *(cut % len(wire) for cut in self.cuts)}) if wire else [0]
        return [wire[start:end] for start, end in pairwise(at)]

    def play(self) -> Seen:
        self.run()
        return self.seen()

    def run(self) -> None:
        turn = 0
        while actions := list(self._actions()):
            actions[self.turns[turn % len(self.turns)] % len(actions)]()
            turn += 1
            self._upstreams_answer()
        assert self.it.transport.closing or not self.sent, "the client is not read any more"

    def seen(self) -> Seen:
        transport = self.it.transport
        client = messages.read(transport.written, self.methods, cut=transport.aborted)
        upstream = [message for back in self.it.upstreams.made for message in messages.read(back.transport.written)]  # type: ignore[attr-defined]
        upstream.sort(key=lambda message: message.head.split(b" ")[1])
        return Seen(upstream, client, (transport.closing, transport.aborted, transport.ended))

    def _actions(self) -> Iterator[Callable[[], None]]:
        """What can happen now; the first is what does uncut."""
        transport = self.it.transport
        if self.sent and not transport.paused and not transport.closing:
            yield lambda: self._send(self.sent.pop(0))
        for task in list(self.it.clock.waiting()):
            yield task.run
        if self.it.clock.soon:
            yield self.it.goes_on
        for back, coming in self.coming.items():
            if coming and not back.transport.is_closing() and not back.transport.paused:  # type: ignore[attr-defined]
                yield lambda back=back, coming=coming: self._deliver(back, coming.pop(0))  # type: ignore[misc]
        if self.it.client.full_since:
            yield self.it.client.resume_writing
        elif self.full < sum(self.cuts) % 3 and transport.written and not transport.closing:
            yield self._fills

    def _send(self, data: bytes) -> None:
        if self.it.relayed:
            self.it.relayed[0][1].transport.write(data)
        else:
            self.it.client.data_received(data)

    def _fills(self) -> None:
        self.full += 1
        self.it.client.pause_writing()

    def _deliver(self, back: UpstreamConnection, data: bytes | None) -> None:
        if data is None:
            back.transport.close()
            back.connection_lost(None)
        elif self.it.relayed:
            self.it.transport.write(data)
        else:
            back.data_received(data)

    def _upstreams_answer(self) -> None:
        """An upstream answers every request that is whole, once."""
        for back in self.it.upstreams.made:
            asked = whole(messages.read(back.transport.written))  # type: ignore[attr-defined]
            for message in asked[self.answered.get(back, 0) :]:
                reply = self.replies[int(message.head.split(b" ")[1][1:2])]
                if message.head.startswith(b"HEAD "):
                    reply = Reply(_without_body(reply.wire))
                self.coming.setdefault(back, []).extend([*self._cut(reply.wire), *([None] if reply.closes else [])])
            self.answered[back] = len(asked)


def _without_body(wire: bytes) -> bytes:
    """The heads of an answer."""
    head, end, rest = wire.partition(b"\r\n\r\n")
    return head + end + (_without_body(rest) if head.startswith(b"HTTP/1.1 1") else b"")


def whole(found: list[Message]) -> list[Message]:
    return [message for message in found if message.whole]


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[list[Ask], list[Reply]]:
    count = draw(st.integers(min_value=1, max_value=4))
    asks = [draw(messages.asks(number)) for number in range(count)]
    if draw(st.booleans()):
        asks.append(draw(st.sampled_from(messages.FAULTS)))
    return asks, [draw(messages.replies()) for _ in range(10)]


CUTS = st.lists(st.integers(min_value=0, max_value=2000), max_size=12)
TURNS = st.lists(st.integers(min_value=0, max_value=11), min_size=1, max_size=20)


def same(cut: Seen, uncut: Seen) -> None:
    """Whole messages and the end are the same; of one that broke off, both sides may have more or less."""
    assert whole(cut.upstream) == whole(uncut.upstream)
    assert whole(cut.client) == whole(uncut.client)
    assert cut.end == uncut.end


def meant(asks: list[Ask], replies: list[Reply]) -> Iterator[tuple[int, bytes]]:
    """Status and payload of the answers that the client should get; of a refusal the status alone."""
    for number, ask in enumerate(asks):
        reply = replies[number]
        if ask.fault:
            yield ask.fault, b""
            return
        target = ask.wire.split(b" ")[1]
        if b"own" in target:
            yield 200, b"" if ask.method == b"HEAD" else target
            if ask.payload or b"chunked" in ask.wire:
                return  # nobody reads its body
        elif reply.broken:
            return
        else:
            status = int(reply.wire.rpartition(b"HTTP/1.1 ")[2][:3])
            yield status, b"" if ask.method == b"HEAD" else reply.payload
        if ask.last:
            return


@settings(max_examples=400)
@given(pipelines(), CUTS, TURNS)
def test_both_sides_get_the_same_however_the_bytes_are_cut(
    pipeline: tuple[list[Ask], list[Reply]], cuts: list[int], turns: list[int]
) -> None:
    same(Split(*pipeline, cuts, turns).play(), Split(*pipeline, [], [0]).play())


@settings(max_examples=200)
@given(pipelines(), CUTS, TURNS)
def test_what_they_get_is_what_was_meant(
    pipeline: tuple[list[Ask], list[Reply]], cuts: list[int], turns: list[int]
) -> None:
    asks, replies = pipeline
    seen = Split(asks, replies, cuts, turns).play()
    got = [(int(message.head[9:12]), message.payload) for message in seen.client if message.head[9:10] != b"1"]
    for (status, payload), (should, text) in zip(got, meant(asks, replies), strict=False):
        assert status == should
        assert payload == text or should >= 400
    assert len(got) >= len(list(meant(asks, replies)))
    for message in seen.upstream:
        payload = asks[min(int(message.head.split(b" ")[1][1:2]), len(asks) - 1)].payload
        assert payload == message.payload if message.whole else payload.startswith(message.payload)


PIPELINES: dict[str, tuple[list[Ask], list[Reply]]] = {
    "bodies": (
        [
            Ask(b"\r\nPOST /0? HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", b"abc", b"POST"),
            Ask(
                b"PUT /1?later HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + messages.chunked([b"\r\n\r\n", b"0\r\n\r\n"], b";a=b", b"X: y\r\n"),
                b"\r\n\r\n0\r\n\r\n",
                b"PUT",
            ),
            Ask(b"\r\nHEAD /2? HTTP/1.1\r\nHost: a\r\n\r\n", method=b"HEAD"),
            Ask(b"GET /3?own HTTP/1.1\r\nHost: a\r\n\r\n"),
        ],
        [
            Reply(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n", b"\r\n\r\n"),
            Reply(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + messages.chunked([b"ab", b"\r\n"], b";x", b"Y: z\r\n"),
                b"ab\r\n",
            ),
            Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnine bytes", b""),
        ],
    ),
    **{
        f"fault-{number}": ([Ask(b"GET /0?own HTTP/1.1\r\nHost: a\r\n\r\n"), fault], [Reply(b"")] * 10)
        for number, fault in enumerate(messages.FAULTS)
    },
}


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES.keys())
def test_a_cut_at_any_one_byte_and_at_all_changes_nothing(pipeline: tuple[list[Ask], list[Reply]]) -> None:
    uncut = Split(*pipeline, [], [0]).play()
    size = sum(len(ask.wire) for ask in pipeline[0])
    for cuts in ([at] for at in range(1, size)):
        same(Split(*pipeline, cuts, [0]).play(), uncut)
    for turns in ([0], [1], [2, 0]):
        same(Split(*pipeline, list(range(size)), turns).play(), uncut)


TUNNEL = st.binary(min_size=1, max_size=80).map(lambda data: data.replace(b"\r\n", b""))


@settings(max_examples=100)
@given(TUNNEL, TUNNEL, CUTS, TURNS)
def test_what_surrounds_an_upgrade_reaches_the_other_side(
    up: bytes, down: bytes, cuts: list[int], turns: list[int]
) -> None:
    upgrade = b"GET /1? HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    asks = [Ask(b"GET /0?own HTTP/1.1\r\nHost: a\r\n\r\n"), Ask(upgrade + up)]
    split = Split(asks, [Reply(b""), Reply(switched + down)], cuts, turns)
    split.run()
    assert split.it.back.transport.written.partition(b"\r\n\r\n")[2] == up  # type: ignore[attr-defined]
    assert split.it.transport.written.rpartition(b"\r\n\r\n")[2] == down
