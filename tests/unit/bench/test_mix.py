"""The recorded sessions of browsers, and how they are played."""

from __future__ import annotations

import pytest

from proofs.bench.mix import session
from proofs.bench.mix.session import Recorded

HEAD = (
    b"PUT /api/x?a=1 HTTP/1.1\r\nHost: lab.localhost:1\r\n"
    b"Referer: http://lab.localhost:1/lab\r\nContent-Length: 3\r\n\r\n"
)


def test_a_request_is_played_as_it_was_recorded_for_another_host_and_session():
    placed = Recorded.of(HEAD).placed("lab.localhost:1")
    assert placed.played("ws.example:2", "s=1") == (
        b"PUT /api/x?a=1 HTTP/1.1\r\nHost: ws.example:2\r\nReferer: http://ws.example:2/lab\r\nContent-Length: 3\r\n"
        b"Cookie: s=1\r\n\r\n000"
    )


def test_cookies_of_the_program_stay_beside_the_session():
    head = HEAD.replace(b"Content-Length: 3", b"Cookie: _xsrf=a")
    assert b"Cookie: _xsrf=a; s=1\r\n" in Recorded.of(head).placed("lab.localhost:1").played("h", "s=1")


def test_the_file_gives_back_what_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "__file__", str(tmp_path / "session.py"))
    requests = [Recorded.of(HEAD).placed("lab.localhost:1"), Recorded("GET", "/", "Host: {host}", 0, True)]
    (tmp_path / "x.json").write_text(session.encoded("about", requests))
    assert session.read("x") == requests


def test_repeated_is_the_share_of_requests_whose_block_was_there_before():
    blocks = ("a", "a", "b", "a")
    assert session.repeated([Recorded("GET", "/", block, 0, False) for block in blocks]) == 0.5


@pytest.mark.parametrize("kind", session.KINDS)
def test_a_recording_can_be_played_and_names_nobody(kind):
    requests = session.playable(session.read(kind))
    assert len(requests) >= 20
    for item in requests:
        data = item.played("ws.guildnet.localhost:8080", "s=1")
        assert data.startswith(f"{item.method} /".encode())
        assert b"\r\nHost: ws.guildnet.localhost:8080\r\n" in data
        assert b"s=1" in data
        assert not any(mark in data for mark in (b"{host}", b"{cookie}", b"127.0.0.1"))
