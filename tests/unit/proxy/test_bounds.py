"""What one client or upstream may hold, and for how long: without a socket, the clock is played."""

from __future__ import annotations

import time
from typing import Any

import pytest

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.fields import Block
from guildnet_proxy.http.message.head import check_incomplete
from guildnet_proxy.http.states.connection import State
from guildnet_proxy.rewrite.request_head import Caller, to_api, to_workspace
from unit.proxy.played import Later, Never, Played
from unit.proxy.values import CONTROL, PATH

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


# ---- reading --------------------------------------------------------------------------------------------------------


def test_reading_pauses_while_answers_are_not_read() -> None:
    it = Played()
    it.handler.decision = Answer(401, b"no")
    it.client.data_received(GET)
    it.client.pause_writing()
    it.client.data_received(GET)
    paused = [it.transport.paused]
    it.client.resume_writing()
    assert [*paused, it.transport.paused] == [True, False], "every read copied what was held, without an end"
    assert it.transport.written.count(b"HTTP/1.1 401 ") == 2


def test_heads_of_one_read_are_answered_in_turns() -> None:
    it = Played(Limits(heads_a_turn=4))
    it.handler.decision = Answer(401, b"no")
    it.client.data_received(GET * 10)
    assert it.transport.written.count(b"HTTP/1.1 401 ") == 4
    paused = [it.transport.paused]
    it.goes_on()
    it.goes_on()
    assert it.transport.written.count(b"HTTP/1.1 401 ") == 10
    assert [*paused, it.transport.paused] == [True, False], "who is behind reads no more"
    assert it.clock.soon == []


def test_a_client_that_went_is_not_answered_in_its_turn() -> None:
    it = Played(Limits(heads_a_turn=4))
    it.handler.decision = Answer(401, b"no")
    it.client.data_received(GET * 10)
    it.client.connection_lost(None)
    it.goes_on()
    assert len(it.finished) == 4


def test_a_head_is_looked_through_once_however_it_is_cut() -> None:
    """Thirty kibibytes of short lines, a byte at a time at their end: each cost 0.3 ms."""
    it = Played()
    it.client.data_received(b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 7000)
    began = time.process_time()
    for _ in range(1000):
        it.client.data_received(b"b")
    assert time.process_time() - began < 0.1
    assert it.client._state == State.HEAD


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_bare_line_feed_is_found_wherever_the_bytes_are_cut(cut: int) -> None:
    data = b"GET / HTTP/1.1\r\nX: a\nb"
    with pytest.raises(Refusal, match="CRLF"):
        check_incomplete(data, Limits(), min(cut, data.index(b"\nb")))
    check_incomplete(data.replace(b"a\n", b"a\r\n"), Limits(), cut)


# ---- time -----------------------------------------------------------------------------------------------------------


def test_a_client_that_does_not_read_its_answer_is_cut() -> None:
    it = Played()
    it.handler.decision = Answer(200, b"ok")
    it.asks()
    it.client.pause_writing()
    it.waits(it.limits.unread_seconds - 1)
    assert not it.transport.aborted
    it.waits(2)
    assert it.transport.aborted


def test_a_client_that_does_not_read_a_stream_is_cut_and_its_upstream_let_go() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks()
    it.answers(b"HTTP/1.1 200 OK\r\n\r\nendless")
    it.client.pause_writing()
    it.waits(it.limits.unread_seconds + 1)
    assert it.transport.aborted
    assert it.back.transport.aborted  # type: ignore[attr-defined]


def test_a_client_that_reads_now_and_then_is_not_cut() -> None:
    it = Played()
    it.handler.decision = Answer(200, b"ok")
    for _ in range(5):
        it.asks()
        it.client.pause_writing()
        it.waits(it.limits.unread_seconds - 1)
        it.client.resume_writing()
    assert not it.transport.closing


def test_a_closed_connection_whose_last_bytes_nobody_reads_is_aborted() -> None:
    it = Played()
    it.handler.decision = Answer(200, b"ok")
    it.asks("Connection: close")
    assert it.transport.closing
    assert not it.transport.aborted
    it.waits(it.limits.closing_seconds + 1)
    assert it.transport.aborted


def test_a_client_that_ended_its_side_and_reads_nothing_is_aborted() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks()
    it.answers(b"HTTP/1.1 200 OK\r\n\r\nendless")
    assert not it.client.eof_received()
    it.transport.close()
    it.waits(it.limits.closing_seconds + 1)
    assert it.transport.aborted


def test_a_decision_that_does_not_come_is_given_up() -> None:
    it = Played()
    it.handler.decision = Never()
    it.asks()
    it.connects()
    it.waits(it.limits.decide_seconds + 1)
    assert it.transport.written.startswith(b"HTTP/1.1 503 ")
    assert it.clock.waiting() == []


def test_interim_answers_come_to_an_end() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks()
    it.answers(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    assert b"HTTP/1.1 502 " in it.transport.written
    assert it.transport.written.count(b"100 Continue") <= it.limits.interim_heads


def test_connecting_comes_to_an_end_however_many_addresses_there_are() -> None:
    it = Played()
    it.upstreams.hangs = True
    it.asks()
    it.connects()
    it.waits(it.limits.connect_in_all_seconds + 1)
    assert it.transport.written.startswith(b"HTTP/1.1 504 ")


def test_an_upstream_that_does_not_read_is_given_up_whatever_it_says_meanwhile() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks("Content-Length: 1000000", method="PUT", body=b"a" * 1000)
    it.back.pause_writing()
    it.answers(b"HTTP/1.1 200 OK\r\n\r\nendless")
    it.waits(it.limits.unread_seconds + 1)
    assert it.transport.aborted


# ---- back-pressure --------------------------------------------------------------------------------------------------


def test_a_body_that_fills_a_new_connection_at_once_stays_paused() -> None:
    it = Played(Limits(held_body_bytes=10))
    it.asks("Content-Length: 1000", method="PUT", body=b"a" * 100)
    it.upstreams.fills = True
    it.connects()
    assert it.transport.paused
    it.back.resume_writing()
    assert not it.transport.paused


@pytest.mark.parametrize("unsent", [0, 1])
def test_a_connection_with_unsent_bytes_is_not_pooled(unsent: int) -> None:
    it = Played()
    it.upstreams.idle()
    it.asks("Content-Length: 5", method="PUT", body=b"abcde")
    it.back.transport.unsent = unsent  # type: ignore[attr-defined]
    it.answers(OK)
    assert it.back.transport.aborted is bool(unsent)  # type: ignore[attr-defined]
    it.asks(method="GET")
    assert len(it.clock.waiting()) == unsent, "the next request opens a connection of its own"
    it.connects()


def test_a_connection_that_is_still_full_is_not_pooled() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks("Content-Length: 5", method="PUT", body=b"abcde")
    it.back.pause_writing()
    it.answers(OK)
    assert it.back.transport.aborted  # type: ignore[attr-defined]


def test_a_client_that_is_full_holds_back_an_upgraded_upstream() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks("Connection: Upgrade", "Upgrade: websocket")
    it.client.pause_writing()
    it.answers(SWITCHED)
    ((client, upstream),) = it.relayed
    assert (client.full_since, upstream.full_since) == (it.clock.now, 0.0)


# ---- faults ---------------------------------------------------------------------------------------------------------


class BrokenError(ValueError):
    """What a bug might raise."""


def fails(*_: Any) -> Any:
    raise BrokenError


def test_a_fault_in_the_handler_is_one_line_and_one_closed_connection() -> None:
    it = Played()
    it.handler.handle = fails  # type: ignore[method-assign, assignment]
    it.asks()
    assert it.transport.aborted
    assert [type(line["exception"]) for line in it.clock.logged] == [BrokenError]
    it.client.connection_lost(None)
    assert [record.status for record in it.finished] == [500]


def test_a_fault_in_a_decision_is_one_line_and_one_closed_connection() -> None:
    it = Played()
    it.handler.decision = Later(fails)
    it.asks()
    it.connects()
    assert it.transport.aborted
    assert len(it.clock.logged) == 1


@pytest.mark.parametrize("begun", [False, True], ids=["before the answer", "in the answer"])
def test_a_fault_while_an_answer_is_rewritten_is_a_502_or_a_cut(begun: bool) -> None:
    it = Played()
    it.upstreams.idle()
    it.asks()
    if begun:
        it.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
        it.client.write = fails
    else:
        it.handler.decision.rules.lines = fails  # type: ignore[union-attr, method-assign]
    it.answers(OK)
    assert it.back.transport.aborted  # type: ignore[attr-defined]
    assert it.transport.aborted if begun else it.transport.written.startswith(b"HTTP/1.1 502 ")
    assert len(it.clock.logged) == 1


def test_a_fault_of_the_sweep_is_one_line_and_one_closed_connection() -> None:
    it = Played()
    it.client._limits = None  # type: ignore[assignment]
    it.waits(1)
    assert it.transport.aborted
    assert len(it.clock.logged) == 1


# ---- tiny chunks ----------------------------------------------------------------------------------------------------

TINY = b"1\r\na\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("head", [CHUNKED, b""], ids=["with the head", "after it"])
def test_an_answer_of_tiny_chunks_is_taken_apart_in_turns(head: bytes) -> None:
    """A quarter of a megabyte of one-byte chunks stopped everything for 0.2 s."""
    it = Played(Limits(chunks_a_turn_bytes=600))
    it.upstreams.idle()
    it.asks()
    if not head:
        it.answers(CHUNKED)
    it.answers(head + TINY * 1000 + b"0\r\n\r\n")
    back = it.back.transport
    states = [back.paused]  # type: ignore[attr-defined]
    turns = 0
    while it.clock.soon:
        it.goes_on()
        turns += 1
    states.append(back.paused)  # type: ignore[attr-defined]
    assert (states, turns) == ([True, False], 9)
    assert it.transport.written.partition(b"\r\n\r\n")[2].count(b"a") == 1000
    assert it.transport.written.endswith(b"0\r\n\r\n")
    assert it.upstreams.pool.take(it.back.place, it.clock.now, fresh=False) is it.back


def test_what_comes_behind_tiny_chunks_keeps_the_connection_out_of_the_pool() -> None:
    it = Played(Limits(chunks_a_turn_bytes=600))
    it.upstreams.idle()
    it.asks()
    it.answers(CHUNKED + TINY * 150 + b"0\r\n\r\n" + b"more" * 1000)
    while it.clock.soon:
        it.goes_on()
    assert it.back.transport.closing  # type: ignore[attr-defined]


def test_a_client_that_drains_or_goes_meanwhile_changes_nothing() -> None:
    it = Played(Limits(chunks_a_turn_bytes=600))
    it.upstreams.idle()
    it.asks()
    it.answers(CHUNKED + TINY * 1000)
    it.client.pause_writing()
    it.client.resume_writing()
    assert it.back.transport.paused  # type: ignore[attr-defined]
    it.client.connection_lost(None)
    it.goes_on()
    assert it.clock.soon == []
    assert it.clock.logged == []


def test_large_chunks_are_taken_apart_at_once() -> None:
    it = Played(Limits(chunks_a_turn_bytes=600))
    it.upstreams.idle()
    it.asks()
    it.answers(CHUNKED + (b"100\r\n" + b"a" * 256 + b"\r\n") * 20)
    assert it.clock.soon == []


def test_a_body_of_tiny_chunks_is_taken_apart_in_turns() -> None:
    it = Played(Limits(chunks_a_turn_bytes=600))
    it.upstreams.idle()
    it.asks("Transfer-Encoding: chunked", method="POST", body=TINY * 1000 + b"0\r\n\r\n" + GET)
    paused = [it.transport.paused]
    it.back.pause_writing()
    it.back.resume_writing()
    paused.append(it.transport.paused)
    turns = 0
    while it.clock.soon:
        it.goes_on()
        turns += 1
    assert turns == 9
    assert [*paused, it.transport.paused] == [True, True, False]
    assert it.back.transport.written.count(b"a") == 1000  # type: ignore[attr-defined]
    it.answers(OK)
    assert len(it.finished) == 1
    assert it.back.exchange is not None or it.clock.waiting(), "the next request follows"
    it.connects()


def test_a_client_whose_workspace_never_answered_is_not_kept_for_another_minute() -> None:
    it = Played()
    it.upstreams.idle()
    it.asks()
    it.waits(it.limits.first_byte_seconds + 1)
    assert it.transport.written.startswith(b"HTTP/1.1 504 ")
    it.waits(it.limits.linger_seconds + 1)
    assert it.transport.closing


# ---- an upstream that speaks something else -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\n",
        b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\x00\x12\x04", b"\n", b"HTTP/2 200\r\n",
    ],
    ids=["all lines", "all fields", "a field", "behind an interim answer", "a banner", "HTTP/2", "a line", "a version"],
)  # fmt: skip
@pytest.mark.parametrize("step", [1, 1000], ids=["by the byte", "at once"])
def test_an_answer_that_no_end_of_its_head_could_make_good_is_refused_at_once(said: bytes, step: int) -> None:
    """Its end was waited for, a minute long: a head of bare LFs has none."""
    it = Played()
    it.asks()
    it.connects()
    for at in range(0, len(said), step):
        if it.finished:
            break
        it.answers(said[at : at + step])
    assert b"HTTP/1.1 502 " in it.transport.written
    assert b"bad_upstream" in it.transport.written


def test_a_head_that_comes_by_the_byte_is_taken() -> None:
    it = Played()
    it.asks()
    it.connects()
    for byte in OK:
        it.answers(bytes([byte]))
    assert it.transport.written.startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_fields_of_a_client_and_ours_are_as_many_as_other_servers_take() -> None:
    """Apache takes 100 (LimitRequestFields), HAProxy as many (tune.http.maxhdr)."""
    limits = Limits()
    own = ["Host: a", *(f"X-{number}: a" for number in range(limits.head_fields - 1))]
    block = Block("\r\n".join([*own, "", ""]).encode(), limits)
    caller = Caller("10.0.0.1", CONTROL)
    below = to_workspace(block, PATH, caller, strip_authorization=False, prefix=True).head(b"GET", b"/", b"id")
    api = to_api(block, caller).signed_head(b"GET", b"/", b"id", "token")
    assert [head.count(b"\r\n") - 2 for head in (below, api)] == [100, 100]
    with pytest.raises(Refusal):
        Block("\r\n".join([*own, "One: more", "", ""]).encode(), limits)
