"""A relay that becomes a black hole: no error and no answer, and what was open then stays dead."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from proofs.interface.relay import Relay


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        while chunk := connection.recv(100):
            connection.sendall(chunk)


@pytest.fixture
def relay() -> Iterator[Relay]:
    """Before a server that echoes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        relay = Relay(listener.getsockname()[1])
        with relay.serving():
            yield relay


def connected(relay: Relay) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", relay.port))
    connection.settimeout(5)
    return connection


def silent(connection: socket.socket) -> bool:
    connection.settimeout(0.3)
    connection.sendall(b"lost")
    try:
        connection.recv(100)
    except TimeoutError:
        return True
    return False


def test_what_is_sent_is_passed_on_and_so_is_the_end(relay: Relay):
    with connected(relay) as connection:
        connection.sendall(b"there")
        assert connection.recv(100) == b"there"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_a_black_hole_takes_everything_and_keeps_what_it_has(relay: Relay):
    with connected(relay) as before, relay.black_hole():
        assert silent(before)
        meanwhile = connected(relay)
        assert silent(meanwhile)
    with meanwhile, connected(relay) as before:
        assert silent(meanwhile), "nobody answers it later"
        before.sendall(b"again")
        assert before.recv(100) == b"again", "a new one works"


def test_what_was_open_before_stays_dead(relay: Relay):
    with connected(relay) as before:
        before.sendall(b"there")
        assert before.recv(100) == b"there"
        with relay.black_hole():
            pass
        assert silent(before)
