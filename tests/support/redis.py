"""A real redis-server on a unix socket and a loopback port, for one test run; keeps nothing on disk."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

from support.process import Process, free_port

_START_SECONDS = 10.0


class RedisServer:
    """Started and stopped as often as a test of an outage likes; its addresses stay the same."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.socket = directory / "redis.sock"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def process(self) -> Process:
        assert self._process is not None, "redis-server is not running"
        return self._process

    def start(self) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise RuntimeError("redis-server is missing: install the Debian package redis-server")
        self.directory.mkdir(parents=True, exist_ok=True)
        flags = ("--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", str(self.socket))
        quiet = ("--save", "", "--appendonly", "no", "--dir", str(self.directory), "--daemonize", "no")
        self._process = Process([program, *flags, *quiet], self.directory / "redis.log")
        deadline = time.monotonic() + _START_SECONDS
        while self.command("PING") != b"+PONG\r\n":
            if not self._process.running or time.monotonic() > deadline:
                raise RuntimeError(self._process.tail())
            time.sleep(0.02)

    def stop(self, *, kill: bool = False) -> None:
        if self._process is not None:
            self._process.stop(kill=kill)
            self._process = None

    def command(self, *words: str) -> bytes:
        """One command's raw answer; empty where nobody answers."""
        wire = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(wire.encode())
                return connection.recv(65536)
        except OSError:
            return b""
