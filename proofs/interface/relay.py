"""A relay between a browser and the front door that can become a black hole: what is sent is taken, and nothing comes.

That is what a computer that slept, or changed its network, has of its connections: no error, and no answer. Those that
were open stay dead when the network is back; new ones work.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 65536


@dataclass(slots=True)
class Relay:
    """Of connections to `port` of this host, at a port of its own."""

    target: int
    port: int = 0
    _hole: threading.Event = field(default_factory=threading.Event)
    _sockets: list[socket.socket] = field(default_factory=list)
    _lost: set[int] = field(default_factory=set)
    """File descriptors of connections that the hole has taken."""

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Nothing passes until the block ends, and nothing ever again on a connection that there was."""
        self._hole.set()
        try:
            yield
        finally:
            self._lost.update(one.fileno() for one in self._sockets)
            self._hole.clear()

    @contextmanager
    def serving(self) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            self.port = listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near = listener.accept()[0]
                self._sockets.append(near)
                if self._hole.is_set():
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if listener.fileno() < 0:
                    return
                continue
            self._sockets.append(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        """What comes is passed on until an end of it closes, or the hole takes it."""
        while True:
            try:
                chunk = one.recv(_CHUNK)
            except OSError:
                chunk = b""
            if self._hole.is_set() or one.fileno() in self._lost:
                return
            try:
                if chunk:
                    other.sendall(chunk)
                else:
                    other.shutdown(socket.SHUT_WR)
                    return
            except OSError:
                return
