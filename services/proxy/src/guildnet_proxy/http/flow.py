"""Pausing a client's reading, and how long it could read: the pace of a body is judged only by that."""

from __future__ import annotations

import asyncio


class Reading:
    """Reading from one transport. Pausing and resuming twice is harmless."""

    __slots__ = ("_loop", "_paused_seconds", "_paused_since", "_since", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._since = 0.0
        self._paused_since = 0.0
        self._paused_seconds = 0.0

    def begin(self) -> None:
        """A new request: the clock starts at zero."""
        self._since = self._loop.time()
        self._paused_seconds = 0.0

    def pause(self) -> None:
        if not self._paused_since and not self._transport.is_closing():
            self._paused_since = self._loop.time()
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused_since and not self._transport.is_closing():
            self._paused_seconds += self._loop.time() - self._paused_since
            self._paused_since = 0.0
            self._transport.resume_reading()

    def seconds(self, now: float) -> float:
        """Seconds since `begin` in which the client could have sent something."""
        paused = self._paused_seconds + (now - self._paused_since if self._paused_since else 0.0)
        return now - self._since - paused
