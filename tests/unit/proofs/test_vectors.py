"""The vectors are many, named and well-founded, and the reader that judges the answers to them is strict."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from proofs import smuggling
from proofs.vectors import answering, behind
from proofs.vectors.replay import Tally
from proofs.vectors.requests import ALL
from proofs.vectors.vector import SERVERS, each, refused
from proofs.vectors.wire import WireError, answers

NAMED = {vector.name: vector.clause for vector in ALL} | {one.name: one.clause for one in answering.vectors()}
CLAUSE = re.compile(r"RFC [0-9]{4}, [0-9C].*|docs/proxy\.md")


def test_there_are_enough_and_no_two_have_one_name_or_the_same_bytes():
    assert len(ALL) >= 250
    assert [raw[:60] for raw, count in Counter(vector.raw for vector in ALL).items() if count > 1] == []
    assert len(NAMED) == len(ALL) + len(answering.vectors())
    with pytest.raises(ValueError, match="twice"):
        list(each([refused("twice", "RFC 9112, 2", b""), refused("twice", "RFC 9112, 2", b"")]))


def test_every_vector_names_its_clause():
    assert [name for name, clause in NAMED.items() if not CLAUSE.fullmatch(clause)] == []


def test_servers_are_known_by_one_name():
    assert behind.NAMES == SERVERS
    assert {name for vector in ALL for name in vector.refused_by} <= set(SERVERS)


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\njunk",
        b"hello",
    ],
)
def test_the_reader_takes_nothing_that_is_not_whole_and_clear(wire: bytes):
    with pytest.raises(WireError):
        answers(wire, [])


def test_answers_belong_to_their_methods():
    wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    assert [answer.status for answer in answers(wire, ["HEAD"])] == [200, 204]


def tallies(servers: int = 6, own_faults: int = 0) -> list[Tally]:
    return [Tally(f"server-{number}", replayed=len(ALL), own_faults=own_faults) for number in range(servers)]


def test_the_figure_is_met_only_where_all_was_asked_of_six_and_nobody_disagreed():
    answered = Tally("misbehaving", replayed=120)
    assert smuggling.judged(tallies(), answered).met
    assert not smuggling.judged(tallies(5), answered).met
    assert not smuggling.judged(tallies(own_faults=1), answered).met
    assert not smuggling.judged(tallies(), Tally("misbehaving", replayed=120, disagreements=["one"])).met
    short = [*tallies(5), Tally("server-6", replayed=len(ALL) - 1)]
    assert not smuggling.judged(short, answered).met
