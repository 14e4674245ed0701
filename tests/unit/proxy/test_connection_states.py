"""Every transition of a client's connection, without a socket: transports, the clock and the handler are played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_proxy.http.connection import ClientConnection
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer, Forward, Listener, Place
from guildnet_proxy.http.head import RequestHead, ResponseHead
from guildnet_proxy.http.states import TRANSITIONS, Event, State, UnexpectedEventError, next_state
from guildnet_proxy.http.upstream import Pool, UpstreamConnection

PLACE = Place("10.0.0.1", 8080)


class Transport:
    """A transport that keeps what it is told."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, _: str) -> None:
        return None


class Clock:
    """A loop, as far as a connection asks one."""

    def __init__(self) -> None:
        self.now = 100.0
        self.tasks: list[Any] = []

    def time(self) -> float:
        return self.now

    def create_task(self, coroutine: Any) -> Any:
        coroutine.close()
        task = SimpleNamespace(cancel=lambda: None)
        self.tasks.append(task)
        return task


class Rewriter:
    """Passes an answer's head on."""

    def lines(self, head: ResponseHead) -> list[bytes]:
        return [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)]


class Handler:
    """Decides as it was told; `forward` unless told otherwise."""

    def __init__(self) -> None:
        self.decision: Answer | Forward | Awaitable[Any] = Forward((PLACE,), b"GET / HTTP/1.1\r\n\r\n", Rewriter())

    def record(self, now: float) -> Any:
        return SimpleNamespace(started=now, status=0, sent=0)

    def handle(self, _head: RequestHead, _listener: Listener, _address: str, _record: Any) -> Any:
        return self.decision

    def refused(self, error: Refusal, _record: Any, _head: RequestHead | None = None) -> Answer:
        return Answer(error.status, b"no", close=error.close)

    def release(self, record: Any) -> None: ...


@dataclass
class Played:
    """A connection with everything around it."""

    clock: Clock = field(default_factory=Clock)
    handler: Handler = field(default_factory=Handler)
    transport: Transport = field(default_factory=Transport)
    upstream: Transport = field(default_factory=Transport)
    seen: list[tuple[State, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop: Any = self.clock
        self.pool = Pool(loop)
        self.back = UpstreamConnection(self.pool, PLACE)
        self.back.connection_made(self.upstream)  # type: ignore[arg-type]
        self.back.idle_since = self.clock.now
        self.pool.put(self.back)
        owner: Any = SimpleNamespace(
            loop=loop, pool=self.pool, clients=set(), handler=self.handler, first_byte=60.0, draining=False,
            finished=lambda _: None, relay=lambda *_: None,
        )  # fmt: skip
        self.client: ClientConnection[Any] = ClientConnection(owner, Listener("tcp", private=False))
        on = self.client._on

        def seen(event: Event) -> None:
            self.seen.append((self.client._state, event))
            on(event)

        self.client = _watched(self.client, seen)
        self.client.connection_made(self.transport)  # type: ignore[arg-type]

    def asks(self, *fields: str, method: str = "GET", body: bytes = b"") -> None:
        lines = [f"{method} / HTTP/1.1", "Host: a", *fields, "", ""]
        self.client.data_received("\r\n".join(lines).encode() + body)

    def answers(self, data: bytes) -> None:
        self.back.data_received(data)

    def waits(self, seconds: float) -> None:
        self.clock.now += seconds
        self.client.sweep(self.clock.now)


def _watched(client: ClientConnection[Any], seen: Callable[[Event], None]) -> ClientConnection[Any]:
    class Watched(ClientConnection[Any]):
        __slots__ = ()

        def _on(self, event: Event) -> None:
            seen(event)

    client.__class__ = Watched
    return client


async def never() -> None:
    await asyncio.Event().wait()


def idle_for_too_long(it: Played) -> None:
    it.waits(61)


def a_head_that_is_none(it: Played) -> None:
    it.client.data_received(b"nonsense\r\n\r\n")


def gone_while_idle(it: Played) -> None:
    it.client.connection_lost(None)


def answered_here(it: Played) -> None:
    it.handler.decision = Answer(200, b"ok")
    it.asks()


def answered_here_for_the_last_time(it: Played) -> None:
    it.handler.decision = Answer(200, b"ok")
    it.asks("Connection: close")


def answered_here_before_the_body(it: Played) -> None:
    it.handler.decision = Answer(413, b"no")
    it.asks("Content-Length: 5", method="POST")


def gone_while_deciding(it: Played) -> None:
    it.handler.decision = never()
    it.asks()
    it.client.connection_lost(None)


def forwarded_and_answered(it: Played) -> None:
    it.asks()
    it.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def forwarded_and_answered_for_the_last_time(it: Played) -> None:
    it.asks("Connection: close")
    it.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def forwarded_and_answered_before_the_body(it: Played) -> None:
    it.asks("Content-Length: 5", method="PUT", body=b"ab")
    it.client._exchange._attach(it.back)  # type: ignore[union-attr]
    it.answers(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")


def upgraded(it: Played) -> None:
    it.asks("Connection: Upgrade", "Upgrade: websocket")
    it.client._exchange._attach(it.back)  # type: ignore[union-attr]
    it.answers(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


def an_answer_that_breaks_off(it: Played) -> None:
    it.asks()
    it.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")
    it.back.connection_lost(None)


def gone_while_forwarded(it: Played) -> None:
    it.asks()
    it.client.connection_lost(None)


def lingered_for_too_long(it: Played) -> None:
    a_head_that_is_none(it)
    it.waits(3)


def gone_while_lingering(it: Played) -> None:
    a_head_that_is_none(it)
    it.client.connection_lost(None)


def gone_after_closing(it: Played) -> None:
    idle_for_too_long(it)
    it.client.connection_lost(None)


H, D, X, L, C = State.HEAD, State.DECIDING, State.EXCHANGE, State.LINGER, State.CLOSED
READ, FORWARDED = (H, Event.HEAD_READ), (D, Event.FORWARDED)
STORIES: list[tuple[Callable[[Played], None], list[tuple[State, Event]], State]] = [
    (idle_for_too_long, [(H, Event.ENDED)], C),
    (a_head_that_is_none, [(H, Event.UNREAD)], L),
    (gone_while_idle, [(H, Event.LOST)], C),
    (answered_here, [READ, (D, Event.KEPT)], H),
    (answered_here_for_the_last_time, [READ, (D, Event.ENDED)], C),
    (answered_here_before_the_body, [READ, (D, Event.UNREAD)], L),
    (gone_while_deciding, [READ, (D, Event.LOST)], C),
    (forwarded_and_answered, [READ, FORWARDED, (X, Event.KEPT)], H),
    (forwarded_and_answered_for_the_last_time, [READ, FORWARDED, (X, Event.ENDED)], C),
    (forwarded_and_answered_before_the_body, [READ, FORWARDED, (X, Event.UNREAD)], L),
    (upgraded, [READ, FORWARDED, (X, Event.UPGRADED)], State.RELAYED),
    (an_answer_that_breaks_off, [READ, FORWARDED, (X, Event.ABORTED)], C),
    (gone_while_forwarded, [READ, FORWARDED, (X, Event.LOST)], C),
    (lingered_for_too_long, [(H, Event.UNREAD), (L, Event.ABORTED)], C),
    (gone_while_lingering, [(H, Event.UNREAD), (L, Event.LOST)], C),
    (gone_after_closing, [(H, Event.ENDED), (C, Event.LOST)], C),
]


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(("story", "rows", "end"), STORIES, ids=[story.__name__ for story, _, _ in STORIES])
def test_a_connection_goes_by_the_table(
    story: Callable[[Played], None], rows: list[tuple[State, Event]], end: State
) -> None:
    it = Played()
    story(it)
    assert it.seen == rows
    assert it.client._state is end


def test_the_stories_go_through_every_row_of_the_table() -> None:
    assert {row for _, rows, _ in STORIES for row in rows} == set(TRANSITIONS)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_cannot_happen(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(UnexpectedEventError):
            next_state(state, event)


@pytest.mark.parametrize("cut", range(1, 20))
def test_an_empty_line_before_a_request_is_forgiven_wherever_the_bytes_are_cut(cut: int) -> None:
    it = Played()
    it.handler.decision = Answer(200, b"ok")
    data = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    it.client.data_received(data[:cut])
    it.client.data_received(data[cut:])
    assert it.transport.written.startswith(b"HTTP/1.1 200 ")
