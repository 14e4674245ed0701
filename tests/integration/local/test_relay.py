"""The relay, run as its own process: bytes both ways, half-closes, refusals. In this host's own network namespace."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from guildnet_local.machine.relay import MAX_CONNECTIONS
from support.process import free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="entering a network namespace, even one's own, needs root")


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Starts a server that handles one connection with the given function; returns its port."""
    threads: list[threading.Thread] = []
    listeners: list[socket.socket] = []

    def start(handle: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        listeners.append(listener)

        def work() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(20)
                handle(connection)

        thread = threading.Thread(target=work)
        thread.start()
        threads.append(thread)
        port: int = listener.getsockname()[1]
        return port

    yield start
    for thread in threads:
        thread.join(20)
    for listener in listeners:
        listener.close()


@pytest.fixture
def relay() -> Iterator[Callable[[int], socket.socket]]:
    """Starts a relay to a port and connects to it."""
    started: list[subprocess.Popen[bytes]] = []
    connections: list[socket.socket] = []

    def start(target: int) -> socket.socket:
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "guildnet_local.machine.relay",
            "/proc/self/ns/net",
            f"{port}=127.0.0.1:{target}",
        ]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 20
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port), 20)
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the relay does not listen"
                time.sleep(0.02)
            else:
                connections.append(connection)
                return connection

    yield start
    for connection in connections:
        connection.close()
    for child in started:
        child.terminate()
        child.wait(10)


def read_all(connection: socket.socket) -> bytes:
    content = b""
    while more := connection.recv(65536):
        content += more
    return content


def test_bytes_arrive_both_ways_and_a_half_close_keeps_the_other_direction_open(serve, relay):
    def upper(connection: socket.socket) -> None:
        connection.sendall(read_all(connection).upper())

    connection = relay(serve(upper))
    connection.sendall(b"hello")
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection) == b"HELLO"


def test_a_server_that_speaks_first_is_heard(serve, relay):
    connection = relay(serve(lambda inner: inner.sendall(b"220 ready\r\n")))
    assert read_all(connection) == b"220 ready\r\n"


def test_a_large_answer_survives_a_slow_reader(serve, relay):
    content = os.urandom(4 << 20)
    connection = relay(serve(lambda inner: inner.sendall(content)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    assert read_all(connection) == content


def test_a_target_that_does_not_listen_closes_the_connection(relay):
    connection = relay(free_port())
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""


@pytest.mark.parametrize("first", ["server", "client"])
def test_connections_that_ended_make_room_for_others(relay: Callable[[int], socket.socket], first: str):
    """More in all than may be open at the same time, whoever ends each first: a front door answers and closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    number = MAX_CONNECTIONS + 20

    def work() -> None:
        for _ in range(number):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(20)
                if first == "client":
                    assert connection.recv(1) == b""
                connection.sendall(b"answer")

    thread = threading.Thread(target=work)
    thread.start()
    connection = relay(listener.getsockname()[1])
    address = connection.getpeername()
    for _ in range(number):
        connection.settimeout(20)
        if first == "client":
            connection.shutdown(socket.SHUT_WR)
        told = b""
        while data := connection.recv(100):
            told += data
        assert told == b"answer"
        connection.close()
        connection = socket.create_connection(address, 20)
    connection.close()
    thread.join(20)
    listener.close()
    assert not thread.is_alive()
