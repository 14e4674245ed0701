"""After 101, for a tunnel: the client's messages are the bytes of a TCP connection, and the other way round."""

from __future__ import annotations

from typing import Any, Final

from guildnet_proxy.http.forward import R, Side
from guildnet_proxy.http.relay import End, Relay
from guildnet_proxy.http.states.frames import GOING_AWAY
from guildnet_proxy.http.tunnel.frames import BINARY, CLOSE, PING, BadFrame, ClientFrames, close_frame, server_frame

_PONG: Final = 0xA
_NORMAL: Final = 1000
_FINISHED: Final = server_frame(BINARY, b"")
_RESET: Final = close_frame(1011)
"""The port reset its connection."""


class Tunnel(Relay[R]):
    """A relay between a WebSocket and a port. Every frame to the client is made here, so it is always between two."""

    def _ends(self, client: Side, upstream: Side) -> tuple[End, End]:
        return MessageEnd(self, client), PortEnd(self, upstream)

    def begin(self, down: bytes, up: bytes) -> None:
        """`up` is what the client sent behind its handshake: frames too."""
        super().begin(down, b"")
        if up:
            self.client.data_received(up)

    def close(self) -> None:
        """The right to it is withdrawn, or it was idle too long; the client is told by a close frame."""
        if not self.closing_since:
            self.client.transport.write(close_frame(_NORMAL))
        super().close()

    def follow(self) -> None:
        """Nothing has to be followed."""

    def leave(self) -> None:
        """The process stops."""
        if not self.closing_since:
            self.client.transport.write(GOING_AWAY)
        super().close()

    def end(self, code: int) -> None:
        """Closes both ends, the client's with a close frame of `code`."""
        if not self.closing_since:
            self.closing()
            self.client.transport.write(close_frame(code))
        self.client.transport.close()
        self.upstream.transport.close()


class MessageEnd(End):
    """The client's end: takes its frames apart."""

    __slots__ = ("_frames", "_tunnel")

    def __init__(self, tunnel: Tunnel[Any], side: Side) -> None:
        super().__init__(tunnel, side)
        self._tunnel = tunnel
        self._frames = ClientFrames()

    def data_received(self, data: bytes) -> None:
        tunnel = self._tunnel
        if tunnel.closing_since:
            return
        tunnel.last = tunnel._loop.time()  # noqa: SLF001  one object in two parts
        self.received += len(data)
        try:
            for opcode, payload in self._frames.feed(data):
                self._take(opcode, payload)
        except BadFrame as bad:
            tunnel.end(bad.code)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._tunnel.end(_NORMAL)
        elif opcode == PING:
            # To a client that does not read nothing is owed; it would be a way to fill memory.
            if not self.full_since and not self.transport.is_closing():
                self.transport.write(server_frame(_PONG, payload))
        elif self.finished:
            raise BadFrame(1002)
        elif payload:
            self.other.transport.write(payload)
        else:
            self._finish()

    def _finish(self) -> None:
        """The client sends no more; what the port still says goes on."""
        self.finished = True
        if self.other.finished:
            self._tunnel.end(_NORMAL)
        elif self.other.transport.can_write_eof() and not self.other.transport.is_closing():
            self.other.transport.write_eof()

    def eof_received(self) -> bool:
        """A WebSocket has no half that ends: the client is gone."""
        self.finished = True
        self._tunnel.closing()
        self.other.transport.close()
        return False


class PortEnd(End):
    """The port's end: what it says goes into messages."""

    __slots__ = ("_tunnel",)

    def __init__(self, tunnel: Tunnel[Any], side: Side) -> None:
        super().__init__(tunnel, side)
        self._tunnel = tunnel

    def data_received(self, data: bytes) -> None:
        tunnel = self._tunnel
        tunnel.last = tunnel._loop.time()  # noqa: SLF001  as above
        self._pass(data)

    def _pass(self, data: bytes) -> None:
        self.received += len(data)
        self.other.transport.write(server_frame(BINARY, data))

    def eof_received(self) -> bool:
        """The port says no more; the client may still talk."""
        self.finished = True
        self._tunnel.last = self._tunnel._loop.time()  # noqa: SLF001  as above
        self.end_other()
        return not self._tunnel.closing_since

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is told, unless it knows: by the end of the stream, and by a close frame."""
        if exc is None and not self.other.gone and not self._tunnel.closing_since:
            self._tunnel.end(_NORMAL)
        super().connection_lost(exc)

    def end_other(self) -> None:
        if self.gone:
            self.other.transport.write(_RESET)
            self.other.transport.close()
        elif self.other.finished:
            self._tunnel.end(_NORMAL)
        elif not self.other.transport.is_closing():
            self.other.transport.write(_FINISHED)
