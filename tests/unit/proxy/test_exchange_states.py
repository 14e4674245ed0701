"""Every transition of an exchange, without a socket: both transports, the clock and the client's side are played."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_proxy.http import fallible
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.exchange import Exchange
from guildnet_proxy.http.forward import Forward
from guildnet_proxy.http.incoming import Incoming
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import Heads
from guildnet_proxy.http.states.exchange import TRANSITIONS, Event, State
from guildnet_proxy.http.states.table import UnexpectedEventError
from guildnet_proxy.http.upstream import UpstreamConnection
from unit.proxy.played import PLACE, Clock, Rewriter, Transport, Upstreams, Watched
from unit.proxy.values import head

LIMITS = Limits()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
LONG = 600_000
"""A body that the kernel carries: longer than Limits.spliced_bytes."""
LONG_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG


class Client:
    """The client's side; `told` is what the exchange said became of it."""

    def __init__(self, clock: Clock) -> None:
        self.transport: Any = Transport()
        self.write = self.transport.write
        self.incoming = Incoming(self.transport, clock, LIMITS, Heads(LIMITS))  # type: ignore[arg-type]
        self.incoming.begin(clock.now)
        self.full_since = 0.0
        self.told = ""

    def stays(self) -> bool:
        return True

    def exchange_done(self, _now: float, *, keep_alive: bool) -> None:
        self.told = "kept" if keep_alive else "done"

    def exchange_failed(self, refusal: Refusal) -> None:
        self.told = f"{refusal.status} {refusal.rule}"

    def upgraded(self, head: bytes, upstream: Any, *, tunnel: bool = False) -> None:
        self.told = "upgraded"

    def cut(self) -> None:
        self.told = "cut"


class Run:
    """One exchange and what it went through."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.upstreams = Upstreams(self.clock, LIMITS)
        self.client = Client(self.clock)
        self.exchange: Exchange
        self.ends: list[int] = []

    def sockets(self, back: UpstreamConnection) -> tuple[int, int]:
        """Pipes in the place of both sockets: what speaks as the upstream, and what hears as the client."""
        out, speaks = os.pipe2(os.O_NONBLOCK)
        hears, into = os.pipe2(os.O_NONBLOCK)
        back.transport.socket = SimpleNamespace(fileno=lambda: out)  # type: ignore[attr-defined]
        self.client.transport.socket = SimpleNamespace(fileno=lambda: into)
        self.ends += [out, speaks, hears, into]
        return speaks, hears

    def carried(self, speaks: int, hears: int, size: int) -> bytes:
        """What comes to the client while so much is said."""
        heard = b""
        while len(heard) < size:
            os.write(speaks, b"x" * min(4096, size - len(heard)))
            self.clock.turn()
            heard += os.read(hears, 65536)
        return heard

    def close(self) -> None:
        for end in self.ends:
            os.close(end)
        self.upstreams.pool.close()

    def begins(self, *fields: str, method: str = "GET") -> None:
        forward = Forward((PLACE,), b"head\r\n\r\n", Rewriter())
        record: Any = SimpleNamespace(status=0, sent=0, received=0)
        pool = self.upstreams.pool
        self.exchange = Exchange(self.client, pool, head(*fields, method=method), forward, record, self.clock.now)
        self.exchange.start()

    def connects(self) -> UpstreamConnection:
        self.clock.waiting()[0].run()
        return self.upstreams.made[-1]

    def asked(self, *fields: str, method: str = "GET") -> UpstreamConnection:
        self.begins(*fields, method=method)
        return self.connects()

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.exchange.sweep(self.clock.now)


def answered_over_a_new_connection(it: Run) -> None:
    it.asked().data_received(OK)


def answered_over_a_pooled_connection(it: Run) -> None:
    it.upstreams.idle()
    it.begins()
    it.upstreams.made[-1].data_received(OK)


def answered_after_interim_heads(it: Run) -> None:
    back = it.asked()
    back.data_received(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
    back.data_received(OK)


def a_body_that_came_before_the_connection(it: Run) -> None:
    it.begins("Content-Length: 2", method="POST")
    it.exchange.client_data(b"ab")
    back = it.connects()
    assert back.transport.written == b"head\r\n\r\nab"  # type: ignore[attr-defined]
    back.data_received(OK)


def a_body_that_came_after_the_connection(it: Run) -> None:
    back = it.asked("Content-Length: 2", method="POST")
    it.exchange.client_data(b"a")
    assert it.exchange.client_data(b"bc") == b"c"
    back.data_received(OK)


def an_answer_before_the_body_is_whole(it: Run) -> None:
    it.asked("Content-Length: 2", method="POST").data_received(OK)


def both_bodies_at_once(it: Run) -> None:
    back = it.asked("Transfer-Encoding: chunked", method="POST")
    back.data_received(HALF)
    it.exchange.client_data(b"0\r\n\r\n")
    back.data_received(b"7 more.")


def nobody_accepts_a_connection(it: Run) -> None:
    it.upstreams.refuses = ConnectionRefusedError()
    it.begins()
    it.clock.waiting()[0].run()


def nobody_accepts_a_connection_in_time(it: Run) -> None:
    it.upstreams.refuses = TimeoutError()
    it.begins()
    it.clock.waiting()[0].run()


def gone_while_connecting(it: Run) -> None:
    it.begins()
    it.exchange.abandon()
    assert it.clock.waiting() == []


def broken_chunks_while_connecting(it: Run) -> None:
    it.begins("Transfer-Encoding: chunked", method="POST")
    it.exchange.client_data(b"zz\r\n")


def broken_chunks(it: Run) -> None:
    it.asked("Transfer-Encoding: chunked", method="POST")
    it.exchange.client_data(b"zz\r\n")


def broken_chunks_after_the_answer_began(it: Run) -> None:
    it.asked("Transfer-Encoding: chunked", method="POST").data_received(HALF)
    it.exchange.client_data(b"zz\r\n")


def a_body_that_drips(it: Run) -> None:
    it.asked("Content-Length: 100000", method="POST")
    it.exchange.client_data(b"a")
    it.after(21)


def a_body_that_is_not_read(it: Run) -> None:
    it.asked("Content-Length: 100000", method="POST")
    it.exchange.client_data(b"a" * 99_999)
    it.after(61)


def gone_while_sending(it: Run) -> None:
    it.asked("Content-Length: 2", method="POST")
    it.exchange.abandon()


def no_answer_in_time(it: Run) -> None:
    it.asked()
    it.after(61)


def a_pooled_connection_that_was_dead(it: Run) -> None:
    it.upstreams.idle()
    it.begins()
    it.upstreams.made[-1].connection_lost(None)
    it.connects().data_received(OK)


def a_pooled_connection_that_died_after_a_byte(it: Run) -> None:
    it.upstreams.idle()
    it.begins()
    it.upstreams.made[-1].data_received(b"H")
    it.upstreams.made[-1].connection_lost(None)


def a_pooled_connection_that_died_after_an_interim_head(it: Run) -> None:
    it.upstreams.idle()
    it.begins()
    it.upstreams.made[-1].data_received(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    it.upstreams.made[-1].connection_lost(None)


def a_new_connection_that_died(it: Run) -> None:
    it.asked().connection_lost(ConnectionResetError())


def an_answer_that_is_none(it: Run) -> None:
    it.asked().data_received(b"hello\r\n\r\n")


def too_large_a_head(it: Run) -> None:
    it.asked().data_received(b"HTTP/1.1 200 OK\r\nX: " + b"a" * LIMITS.response_head_bytes)


def upgraded(it: Run) -> None:
    back = it.asked("Connection: Upgrade", "Upgrade: websocket")
    back.data_received(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


def an_upgrade_nobody_asked_for(it: Run) -> None:
    it.asked().data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")


def gone_while_waiting(it: Run) -> None:
    it.asked()
    it.exchange.abandon()


def an_answer_that_the_end_of_the_connection_ends(it: Run) -> None:
    back = it.asked()
    back.data_received(b"HTTP/1.1 200 OK\r\n\r\nok")
    back.connection_lost(None)


def an_answer_that_breaks_off(it: Run) -> None:
    back = it.asked()
    back.data_received(HALF)
    back.connection_lost(None)


def an_answer_that_falls_silent(it: Run) -> None:
    it.asked().data_received(HALF)
    it.after(3601)


def gone_while_streaming(it: Run) -> None:
    it.asked().data_received(HALF)
    it.exchange.abandon()


def long_answer(it: Run, more: bytes = b"") -> UpstreamConnection:
    back = it.asked()
    speaks, hears = it.sockets(back)
    back.data_received(LONG_HEAD + b"ok")
    carried = it.carried(speaks, hears, LONG - 2 - 16384)
    back.data_received(b"y" * 16384 + more)
    assert it.client.transport.written == LONG_HEAD + b"ok" + b"y" * 16384
    assert carried == b"x" * (LONG - 2 - 16384)
    return back


def a_long_answer(it: Run) -> None:
    long_answer(it)


def a_long_answer_that_breaks_off(it: Run) -> None:
    back = it.asked()
    speaks, _ = it.sockets(back)
    back.data_received(LONG_HEAD + b"ok")
    os.close(speaks)
    it.ends.remove(speaks)
    os.close(it.ends.pop(0))  # as the transport's own
    it.clock.turn()


def a_long_answer_that_falls_silent(it: Run) -> None:
    back = it.asked()
    it.sockets(back)
    back.data_received(LONG_HEAD)
    it.after(3601)


def gone_within_a_long_answer(it: Run) -> None:
    back = it.asked()
    it.sockets(back)
    back.data_received(LONG_HEAD)
    it.exchange.abandon()


C, S, W, A, X = State.CONNECTING, State.SENDING, State.WAITING, State.STREAMING, State.ABANDONED
CONNECTED, SENT, ANSWERED, FINISHED = (C, Event.CONNECTED), (S, Event.SENT), (W, Event.ANSWERED), (A, Event.FINISHED)
EARLY, ASKED = (S, Event.ANSWERED), [CONNECTED, SENT]
K, SPLICED = State.SPLICING, (A, Event.SPLICED)
STORIES: list[tuple[Callable[[Run], None], list[tuple[State, Event]], State, str]] = [
    (answered_over_a_new_connection, [*ASKED, ANSWERED, FINISHED], State.DONE, "kept"),
    (answered_over_a_pooled_connection, [*ASKED, ANSWERED, FINISHED], State.DONE, "kept"),
    (answered_after_interim_heads, [*ASKED, ANSWERED, FINISHED], State.DONE, "kept"),
    (a_body_that_came_before_the_connection, [*ASKED, ANSWERED, FINISHED], State.DONE, "kept"),
    (a_body_that_came_after_the_connection, [*ASKED, ANSWERED, FINISHED], State.DONE, "kept"),
    (an_answer_before_the_body_is_whole, [CONNECTED, EARLY, FINISHED], State.DONE, "done"),
    (both_bodies_at_once, [CONNECTED, EARLY, (A, Event.SENT), FINISHED], State.DONE, "done"),
    (nobody_accepts_a_connection, [(C, Event.FAILED)], State.FAILED, "502 upstream_refused"),
    (nobody_accepts_a_connection_in_time, [(C, Event.FAILED)], State.FAILED, "504 upstream_timeout"),
    (gone_while_connecting, [(C, Event.CLIENT_GONE)], X, ""),
    (broken_chunks_while_connecting, [(C, Event.FAILED)], State.FAILED, "400 chunks"),
    (broken_chunks, [CONNECTED, (S, Event.FAILED)], State.FAILED, "400 chunks"),
    (broken_chunks_after_the_answer_began, [CONNECTED, EARLY, (A, Event.BROKE_OFF)], State.BROKEN, "cut"),
    (a_body_that_drips, [CONNECTED, (S, Event.FAILED)], State.FAILED, "408 slow_body"),
    (a_body_that_is_not_read, [CONNECTED, (S, Event.FAILED)], State.FAILED, "504 upstream_timeout"),
    (gone_while_sending, [CONNECTED, (S, Event.CLIENT_GONE)], X, ""),
    (no_answer_in_time, [*ASKED, (W, Event.FAILED)], State.FAILED, "504 upstream_timeout"),
    (
        a_pooled_connection_that_was_dead,
        [*ASKED, (W, Event.LOST_UNUSED), *ASKED, ANSWERED, FINISHED],
        State.DONE,
        "kept",
    ),
    (a_pooled_connection_that_died_after_a_byte, [*ASKED, (W, Event.FAILED)], State.FAILED, "502 upstream_reset"),
    (
        a_pooled_connection_that_died_after_an_interim_head,
        [*ASKED, (W, Event.FAILED)],
        State.FAILED,
        "502 upstream_reset",
    ),
    (a_new_connection_that_died, [*ASKED, (W, Event.FAILED)], State.FAILED, "502 upstream_reset"),
    (an_answer_that_is_none, [*ASKED, (W, Event.FAILED)], State.FAILED, "502 grammar"),
    (too_large_a_head, [*ASKED, (W, Event.FAILED)], State.FAILED, "502 bad_upstream"),
    (upgraded, [*ASKED, (W, Event.SWITCHED)], State.UPGRADED, "upgraded"),
    (an_upgrade_nobody_asked_for, [*ASKED, (W, Event.FAILED)], State.FAILED, "502 bad_upstream"),
    (gone_while_waiting, [*ASKED, (W, Event.CLIENT_GONE)], X, ""),
    (an_answer_that_the_end_of_the_connection_ends, [*ASKED, ANSWERED, FINISHED], State.DONE, "kept"),
    (an_answer_that_breaks_off, [*ASKED, ANSWERED, (A, Event.BROKE_OFF)], State.BROKEN, "cut"),
    (an_answer_that_falls_silent, [*ASKED, ANSWERED, (A, Event.BROKE_OFF)], State.BROKEN, "cut"),
    (gone_while_streaming, [*ASKED, ANSWERED, (A, Event.CLIENT_GONE)], X, ""),
    (a_long_answer, [*ASKED, ANSWERED, SPLICED, (K, Event.UNSPLICED), FINISHED], State.DONE, "kept"),
    (a_long_answer_that_breaks_off, [*ASKED, ANSWERED, SPLICED, (K, Event.BROKE_OFF)], State.BROKEN, "cut"),
    (a_long_answer_that_falls_silent, [*ASKED, ANSWERED, SPLICED, (K, Event.BROKE_OFF)], State.BROKEN, "cut"),
    (gone_within_a_long_answer, [*ASKED, ANSWERED, SPLICED, (K, Event.CLIENT_GONE)], X, ""),
]


@pytest.mark.parametrize(("story", "rows", "end", "told"), STORIES, ids=[story.__name__ for story, *_ in STORIES])
def test_an_exchange_goes_by_the_table(
    story: Callable[[Run], None],
    rows: list[tuple[State, Event]],
    end: State,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[State, Event]] = []
    monkeypatch.setattr(fallible, "AFTER", Watched(TRANSITIONS, seen))
    it = Run()
    story(it)
    it.close()
    assert seen == rows
    assert it.exchange._state == end
    assert it.client.told == told


@pytest.mark.parametrize("story", [story for story, *_ in STORIES], ids=[story.__name__ for story, *_ in STORIES])
def test_an_exchange_that_is_over_holds_no_connection(story: Callable[[Run], None]) -> None:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  a list of numbers, no paths
    it = Run()
    story(it)
    it.close()
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  as above
    assert it.exchange.upstream is None
    assert all(connection.exchange is None for connection in it.upstreams.made)
    assert it.clock.waiting() == []


def test_the_stories_go_through_every_row_of_the_table() -> None:
    assert {row for _, rows, *_ in STORIES for row in rows} == set(TRANSITIONS.rows)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_cannot_happen(state: State, event: Event) -> None:
    it = Run()
    it.asked()
    it.exchange._state = int(state)
    if (state, event) in TRANSITIONS.rows:
        it.exchange._on(event)
        assert it.exchange._state == TRANSITIONS.rows[state, event]
    else:
        with pytest.raises(UnexpectedEventError, match=f"{event.name} in {state.name}"):
            it.exchange._on(event)


# ---- long bodies, which the kernel carries --------------------------------------------------------------------------


@pytest.fixture
def it() -> Iterator[Run]:
    run = Run()
    yield run
    run.exchange.let_go()
    run.close()


def test_a_long_body_is_counted_and_its_connections_serve_on(it: Run) -> None:
    back = long_answer(it)
    assert it.exchange.record.sent == LONG
    assert it.client.transport.limits == [0, None], "the client's buffer keeps no bounds of its own"
    assert back.transport.paused is False  # type: ignore[attr-defined]
    assert it.upstreams.pool.take(PLACE, it.clock.now, fresh=False) is back


def test_what_follows_a_long_body_unasked_is_seen(it: Run) -> None:
    long_answer(it, more=b"HTTP/1.1 200 OK\r\n")
    assert it.upstreams.pool.take(PLACE, it.clock.now, fresh=False) is None


def test_a_long_body_begins_when_all_before_it_is_sent(it: Run) -> None:
    back = it.asked()
    it.sockets(back)
    it.client.full_since = it.clock.now
    back.data_received(LONG_HEAD)
    watched = [dict(it.clock.readers)]
    it.client.full_since = 0.0
    it.exchange.client_drained()
    assert watched == [{}]
    assert len(it.clock.readers) == 1
    assert back.transport.paused is True  # type: ignore[attr-defined]


def test_a_client_that_reads_nothing_of_a_long_body_is_full(it: Run) -> None:
    back = it.asked()
    speaks, hears = it.sockets(back)
    back.data_received(LONG_HEAD)
    for _ in range(40):
        with suppress(BlockingIOError):
            os.write(speaks, b"x" * 4096)
        it.clock.turn()
    full = [it.client.full_since]
    os.read(hears, 65536)
    it.clock.turn()
    assert [*full, it.client.full_since] == [it.clock.now, 0.0]


def test_a_look_at_the_deadlines_is_one_at_the_sockets_too(it: Run) -> None:
    """After an error of a socket the loop tells nothing more of it."""
    back = it.asked()
    speaks, hears = it.sockets(back)
    back.data_received(LONG_HEAD)
    os.write(speaks, b"x" * 10)
    it.after(1)
    assert os.read(hears, 100) == b"x" * 10


def test_what_the_kernel_does_not_do_comes_the_usual_way(it: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    back = it.asked()
    speaks, _ = it.sockets(back)
    splice, calls = os.splice, []

    def refused(*given: Any, **more: Any) -> int:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(22, "Invalid argument")
        return splice(*given, **more)

    monkeypatch.setattr(os, "splice", refused)
    back.data_received(LONG_HEAD)
    os.write(speaks, b"x" * 100)
    it.clock.turn()
    assert it.client.transport.written == LONG_HEAD + b"x" * 100
    back.data_received(b"x" * (LONG - 100))
    assert it.client.told == "kept"
    assert it.exchange.record.sent == LONG


def a_short_body(it: Run) -> None:
    back = it.asked()
    it.sockets(back)
    back.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 524287\r\n\r\n")


def a_body_that_is_nearly_there(it: Run) -> None:
    back = it.asked()
    it.sockets(back)
    back.data_received(LONG_HEAD + b"x" * 100_000)


def no_body(it: Run) -> None:
    back = it.asked(method="HEAD")
    it.sockets(back)
    back.data_received(LONG_HEAD)


def an_answer_before_the_request_is_whole(it: Run) -> None:
    back = it.asked("Content-Length: 2", method="POST")
    it.sockets(back)
    back.data_received(LONG_HEAD)


def a_request_that_is_not_all_sent(it: Run) -> None:
    back = it.asked()
    it.sockets(back)
    back.transport.unsent = 1  # type: ignore[attr-defined]
    back.data_received(LONG_HEAD)


def no_pipe_left(it: Run) -> None:
    it.upstreams.pool.pipes.close()
    back = it.asked()
    it.sockets(back)
    back.data_received(LONG_HEAD)


@pytest.mark.parametrize(
    "story",
    [
        a_short_body,
        a_body_that_is_nearly_there,
        no_body,
        an_answer_before_the_request_is_whole,
        a_request_that_is_not_all_sent,
        no_pipe_left,
    ],
)
def test_any_other_body_goes_the_usual_way(story: Callable[[Run], None], it: Run) -> None:
    story(it)
    assert it.upstreams.pool.pipes.taken == 0
    assert it.clock.readers == {}
