"""A tunnel to a port of a workspace: a WebSocket whose binary messages are the bytes of a TCP connection (RFC 6455).

An empty message says that its sender has finished, as FIN does in TCP. `Messages` and `frame` are pure.
"""

from __future__ import annotations

import base64
import os
import select
import socket
import ssl
import time
from typing import Final

BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
NORMAL: Final = 1000
PING_SECONDS: Final = 30.0
"""How long a tunnel may be silent: the front door, and what is on the way, end what has no traffic at all."""
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The front door sends what it reads at once, which is far less."""
HELD_BYTES: Final = 256 * 1024
"""Where one side takes no more, the other is not read beyond this."""


class BrokenTunnelError(Exception):
    """The front door does not speak as it should, or closed with another code than 1000 (the message says which)."""


def handshake_headers() -> dict[str, str]:
    """What asks for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole message of a client, masked by a key of its own (RFC 6455 5.3)."""
    size, key = len(payload), os.urandom(4)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    keys = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "little") ^ int.from_bytes(keys, "little")
    return head + key + masked.to_bytes(size, "little")


class Messages:
    """Takes the frames of a server apart, cut anywhere."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(opcode, payload) of each frame that is whole now. Raises BrokenTunnelError."""
        held, at, found = self._held + data, 0, []
        while len(held) - at >= 2:
            first, short = held[at], held[at + 1]
            if short & 0x80 or first & 0x70:
                raise BrokenTunnelError("it sent what is no frame of a server")
            wide = {126: 2, 127: 8}.get(short, 0)
            begin = at + 2 + wide
            if len(held) < begin:
                break
            size = int.from_bytes(held[at + 2 : begin], "big") if wide else short
            if size > MAX_MESSAGE_BYTES:
                raise BrokenTunnelError("it sent a message that is too large")
            if len(held) < begin + size:
                break
            found.append((first & 0x0F, held[begin : begin + size]))
            at = begin + size
        self._held = held[at:]
        return found


class Pump:
    """Carries one local connection over one tunnel until either end is over; one thread, no lock.

    `early` is what the front door said behind its handshake.
    """

    def __init__(self, local: socket.socket, remote: socket.socket, early: bytes = b"") -> None:
        self._local = local
        self._remote = remote
        self._messages = Messages()
        self._to_local = bytearray()
        self._to_remote = bytearray()
        self._local_finished = False
        self._remote_finished = False
        self._closed = False
        self._problem = ""
        self._last = time.monotonic()
        self._early = early
        self.sent = 0
        self.received = 0

    def run(self) -> None:
        """Raises BrokenTunnelError, and OSError where a socket fails. Closes neither socket."""
        self._local.settimeout(0)
        self._remote.settimeout(0)
        self._take(self._early)
        while not (self._closed and not self._to_local):
            self._turn()
        if self._problem:
            raise BrokenTunnelError(self._problem)
        self._finish_local()

    def _turn(self) -> None:
        wants: list[socket.socket] = []
        if not self._closed and len(self._to_local) < HELD_BYTES:
            wants.append(self._remote)
        if not (self._closed or self._local_finished) and len(self._to_remote) < HELD_BYTES:
            wants.append(self._local)
        full = [one for one, held in ((self._remote, self._to_remote), (self._local, self._to_local)) if held]
        # TLS may hold bytes that the kernel does not know of any more.
        waiting = isinstance(self._remote, ssl.SSLSocket) and self._remote.pending() and self._remote in wants
        ready, free, _ = select.select(wants, full, [], 0 if waiting else PING_SECONDS / 2)
        if self._remote in ready or waiting:
            self._read_remote()
        if self._local in ready:
            self._read_local()
        if self._to_remote and not self._closed:
            self._write(self._remote, self._to_remote)
        if self._local in free or self._to_local:
            self._write(self._local, self._to_local)
        if self._remote_finished and not self._to_local and not self._closed:
            self._finish_local()
        self._keep_alive()

    def _read_remote(self) -> None:
        try:
            data = self._remote.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return
        if not data:
            raise BrokenTunnelError("the connection to the front door ended")
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._last = time.monotonic()
        for opcode, payload in self._messages.feed(data):
            if opcode == CLOSE:
                self._closed = True
                code = int.from_bytes(payload[:2], "big")
                if code != NORMAL:
                    self._problem = _CODES.get(code, f"the front door closed it with code {code}")
            elif opcode == BINARY and payload:
                self._to_local += payload
                self.received += len(payload)
            elif opcode == BINARY:
                self._remote_finished = True

    def _read_local(self) -> None:
        try:
            data = self._local.recv(65536)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self._to_remote += frame(CLOSE, NORMAL.to_bytes(2, "big"))
            self._write(self._remote, self._to_remote)
            self._closed = True
            return
        self._local_finished = not data
        self.sent += len(data)
        self._to_remote += frame(BINARY, data)

    def _write(self, sock: socket.socket, held: bytearray) -> None:
        try:
            count = sock.send(held)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return
        except (BrokenPipeError, ConnectionResetError):
            if sock is not self._local:
                raise
            self._closed = True
            held.clear()
            return
        del held[:count]
        if sock is self._remote:
            self._last = time.monotonic()

    def _finish_local(self) -> None:
        """The program here is told that no more comes; harmless twice."""
        try:
            self._local.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _keep_alive(self) -> None:
        if time.monotonic() - self._last > PING_SECONDS and not self._to_remote and not self._closed:
            self._to_remote += frame(PING, b"")


_CODES: Final = {
    1001: "the front door is being restarted; connect again",
    1011: "the workspace's port reset the connection",
}
