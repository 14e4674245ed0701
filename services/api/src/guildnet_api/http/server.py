"""uvicorn as the api runs it: its protocol is also the `Connection` of event streams.

uvicorn is pinned: `write` relies on its flow control and on its responses being chunked (ADR 9).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from guildnet_api.http.event_stream import CONNECTION, Streaming

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the proxy keeps its side, so that it is never we who close under a request."""
SHUTDOWN_SECONDS: Final = 8
"""How long requests under way may take after the listener was closed."""
MAX_UNSENT_BYTES: Final = 128 * 1024
"""What the kernel may hold of a response beyond what is on its way."""


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with the methods of a `Connection`."""

    _lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows what asyncio gives
        super().connection_made(transport)
        # Linux would hold megabytes for a reader that takes nothing, before anybody here noticed (tcp(7)).
        accepted = transport.get_extra_info("socket")
        if accepted is not None and accepted.family in (socket.AF_INET, socket.AF_INET6):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]  # an extension of ours to the ASGI scope

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._lost is not None:
            self._lost()

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """See `Connection`."""
        self._lost = call
        if call is not None and self.cycle.disconnected:
            call()

    def abort(self) -> None:
        """Drop the connection: closing would wait for a reader that never reads."""
        self.transport.abort()

    def write(self, chunk: bytes) -> bool:
        """A whole chunk of the response under way, between those that the application sends."""
        if self.flow.write_paused:
            return False
        if not self.cycle.disconnected:
            self.transport.write(chunk)
        return True


class Server(uvicorn.Server):
    """uvicorn's server without its own signals: it raises them again afterwards, and so would end us half-closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(application: ASGIApp, host: str, port: int) -> Server:
    """A server that is not started yet; `serve` runs it until `should_exit`."""
    return Server(
        uvicorn.Config(
            Streaming(application),
            host=host,
            port=port,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
