"""forward: what it takes, what it refuses before it listens, and a server's frames however they are cut."""

from __future__ import annotations

import queue
import random
import socket
import threading
from typing import cast

import pytest

from guildnet_cli import errors
from guildnet_cli.client import Client
from guildnet_cli.errors import CliError
from guildnet_cli.reach.tunnel import BINARY, CLOSE, BrokenTunnelError, Messages, Pump, frame
from guildnet_cli.verbs import forward
from guildnet_cli.verbs.forward import Ports, listen, ports_of

from .conftest import PlayedApi, Run
from .servers import LAB

pytestmark = pytest.mark.usefixtures("logged_in")
PORT = LAB["ports"][0]["port"]


@pytest.mark.parametrize(
    ("text", "ports"),
    [("5432", Ports(5432, 5432)), ("8080:80", Ports(8080, 80)), ("0:80", Ports(0, 80)), (":80", Ports(0, 80))],
)
def test_a_port_may_be_another_here(text: str, ports: Ports):
    assert ports_of(text) == ports


@pytest.mark.parametrize("text", ["", "x", "0", "80:0", "65536", "80:65536", "-1", "8080:", "1:2:3", "٣"])
def test_what_is_no_port_is_refused(text: str):
    with pytest.raises(CliError) as refused:
        ports_of(text)
    assert (refused.value.code, repr(text) in refused.value.message) == (errors.USAGE, True)


def test_a_port_that_it_does_not_declare_is_named(run: Run, api: PlayedApi):
    api.on("GET /api/servers/lab", LAB)
    done = run("forward", "lab", "1")
    assert (done.code, f"has no port 1 (it has {PORT}, 9000)" in done.err) == (errors.NOT_FOUND, True)


def test_what_does_not_run_is_said(run: Run, api: PlayedApi):
    api.on("GET /api/servers/lab", {**LAB, "status": "stopped"})
    done = run("forward", "lab", str(PORT))
    assert (done.code, "lab is stopped" in done.err) == (errors.CONFLICT, True)


def test_a_port_here_that_is_taken_is_said(run: Run, api: PlayedApi):
    api.on("GET /api/servers/lab", LAB)
    with listen("127.0.0.1", 0) as taken:
        done = run("forward", "lab", f"{taken.getsockname()[1]}:{PORT}")
    assert (done.code, "cannot listen on 127.0.0.1 port" in done.err) == (errors.FAILED, True)


def test_small_messages_to_a_program_here_do_not_wait_for_one_another(monkeypatch: pytest.MonkeyPatch):
    carried: queue.Queue[socket.socket] = queue.Queue()
    monkeypatch.setattr(forward, "carry", lambda local, *_: carried.put(local))
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        forward.accept(listener, cast("Client", None), "lab", PORT)
        with carried.get(timeout=5) as local:
            assert local.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def server(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    wide = bytes((126,)) + size.to_bytes(2, "big") if size < 65536 else bytes((127,)) + size.to_bytes(8, "big")
    return bytes((0x80 | opcode,)) + (bytes((size,)) if size < 126 else wide) + payload


@pytest.mark.parametrize("seed", range(10))
def test_messages_are_the_same_however_they_are_cut(seed: int):
    chance = random.Random(seed)
    wanted = [
        (BINARY, b"a" * 3),
        (BINARY, b""),
        (0xA, b"pong"),
        (BINARY, b"b" * 300),
        (BINARY, b"c" * 70_000),
        (CLOSE, b"\x03\xe8"),
    ]
    said = b"".join(server(*one) for one in wanted)
    messages, found, at = Messages(), [], 0
    while at < len(said):
        size = chance.choice([1, 2, 5, 1000])
        found += messages.feed(said[at : at + size])
        at += size
    assert found == wanted


@pytest.mark.parametrize("said", [b"\x82\x80", b"\xc2\x00", b"\x82\x7f" + b"\xff" * 8])
def test_what_no_server_says_ends_it(said: bytes):
    with pytest.raises(BrokenTunnelError):
        Messages().feed(said)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_clients_frame_is_masked_by_a_key_of_its_own(size: int):
    one, other = frame(BINARY, b"x" * size), frame(BINARY, b"x" * size)
    head = 2 if size < 126 else 4 if size < 65536 else 10
    assert one[:head] == other[:head]
    assert one[1] & 0x80
    key = one[head : head + 4]
    assert bytes(byte ^ key[at % 4] for at, byte in enumerate(one[head + 4 :])) == b"x" * size


def test_a_code_that_is_not_normal_is_told_in_words():
    mine, local = socket.socketpair()
    theirs, remote = socket.socketpair()
    with mine, local, theirs, remote:
        theirs.sendall(server(BINARY, b"last words") + server(CLOSE, (1011).to_bytes(2, "big")))
        with pytest.raises(BrokenTunnelError, match="reset the connection"):
            Pump(local, remote).run()
        assert mine.recv(100) == b"last words"


def test_what_came_behind_the_handshake_comes_first():
    mine, local = socket.socketpair()
    theirs, remote = socket.socketpair()
    with mine, local, theirs, remote:
        carrying = threading.Thread(target=Pump(local, remote, server(BINARY, b"220 ")).run)
        carrying.start()
        theirs.sendall(server(BINARY, b"hello") + server(CLOSE, b"\x03\xe8"))
        carrying.join(5)
        local.close()
        assert mine.recv(100) == b"220 hello"
