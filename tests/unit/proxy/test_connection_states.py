"""Every transition of a client's connection, without a socket: transports, the clock and the handler are played."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guildnet_proxy.http import answering
from guildnet_proxy.http.forward import Answer
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.states.connection import TRANSITIONS, Event, State
from guildnet_proxy.http.states.table import UnexpectedEventError
from unit.proxy.played import Later, Played, Watched


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
    it.handler.decision = Later(Answer(200, b"ok"))
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
    it.answers(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")


def upgraded(it: Played) -> None:
    it.asks("Connection: Upgrade", "Upgrade: websocket")
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


def one_connection_too_many(it: Played) -> None:
    it.admits = False
    it.client.connection_made(it.transport)  # type: ignore[arg-type]


def left_while_idle(it: Played) -> None:
    it.client.eof_received()


def left_while_deciding(it: Played) -> None:
    it.handler.decision = Later(Answer(200, b"ok"))
    it.asks()
    it.client.eof_received()
    assert it.clock.waiting() == []


def left_while_forwarded(it: Played) -> None:
    it.asks()
    it.client.eof_received()


def left_while_lingering(it: Played) -> None:
    a_head_that_is_none(it)
    it.client.eof_received()


def failed_while_deciding(it: Played) -> None:
    it.handler.decision = None  # type: ignore[assignment]
    it.asks()
    it.connects()


def failed_when_upgraded(it: Played) -> None:
    it.relays = False
    upgraded(it)


def closing_for_too_long(it: Played) -> None:
    idle_for_too_long(it)
    it.waits(11)


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
    (one_connection_too_many, [(H, Event.ABORTED)], C),
    (left_while_idle, [(H, Event.LEFT)], C),
    (left_while_deciding, [READ, (D, Event.LEFT)], C),
    (left_while_forwarded, [READ, FORWARDED, (X, Event.LEFT)], C),
    (left_while_lingering, [(H, Event.UNREAD), (L, Event.LEFT)], C),
    (failed_while_deciding, [READ, (D, Event.ABORTED)], C),
    (failed_when_upgraded, [READ, FORWARDED, (X, Event.UPGRADED), (State.RELAYED, Event.ABORTED)], C),
    (closing_for_too_long, [(H, Event.ENDED), (C, Event.ABORTED)], C),
    (gone_after_closing, [(H, Event.ENDED), (C, Event.LOST)], C),
]


@pytest.mark.parametrize(("story", "rows", "end"), STORIES, ids=[story.__name__ for story, _, _ in STORIES])
def test_a_connection_goes_by_the_table(
    story: Callable[[Played], None], rows: list[tuple[State, Event]], end: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[State, Event]] = []
    monkeypatch.setattr(answering, "AFTER", Watched(TRANSITIONS, seen))
    it = Played()
    it.upstreams.idle()
    story(it)
    assert seen == rows
    assert it.client._state == end


def test_the_stories_go_through_every_row_of_the_table() -> None:
    assert {row for _, rows, _ in STORIES for row in rows} == set(TRANSITIONS.rows)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_cannot_happen(state: State, event: Event) -> None:
    it = Played()
    it.client._state = int(state)
    if (state, event) in TRANSITIONS.rows:
        it.client._on(event)
        assert it.client._state == TRANSITIONS.rows[state, event]
    else:
        with pytest.raises(UnexpectedEventError, match=f"{event.name} in {state.name}"):
            it.client._on(event)


@pytest.mark.parametrize("cut", range(1, 20))
def test_an_empty_line_before_a_request_is_forgiven_wherever_the_bytes_are_cut(cut: int) -> None:
    it = Played()
    it.handler.decision = Answer(200, b"ok")
    data = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    it.client.data_received(data[:cut])
    it.client.data_received(data[cut:])
    assert it.transport.written.startswith(b"HTTP/1.1 200 ")


def test_reading_goes_on_after_an_answer_of_ours_however_much_was_pipelined() -> None:
    it = Played(Limits(pipelined_bytes=10))
    it.handler.decision = Later(Answer(200, b"ok"))
    it.asks()
    it.client.data_received(b"GET / HTTP/1.1\r\nHo")
    assert it.transport.paused
    it.connects()
    assert not it.transport.paused


def test_a_refusal_does_not_depend_on_where_its_bytes_are_cut() -> None:
    data = b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n"
    answers = set()
    for cut in range(1, len(data)):
        it = Played()
        it.client.data_received(data[:cut])
        it.client.data_received(data[cut:])
        answers.add(it.transport.written)
    assert len(answers) == 1
    assert b"bare-lf" in answers.pop()
