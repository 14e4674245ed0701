"""What a client has sent and nobody has used yet: heads are cut off it, and reading pauses when it is too much.

How long the client could send is measured here too: the pace of a body is judged by that time alone.
"""

from __future__ import annotations

import asyncio

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import Heads, RequestHead, check_incomplete


class Incoming:
    """`held` are the unused bytes; `head_since` is when an unfinished head began, 0.0 without one; `behind`
    means that others have their turn first, so that reading stays paused."""

    __slots__ = (
        "_heads", "_limits", "_looked", "_loop", "_paused_seconds", "_paused_since", "_since", "_transport", "behind",
        "head_since", "held",
    )  # fmt: skip

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, limits: Limits, heads: Heads
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._limits = limits
        self._heads = heads
        self._since = 0.0
        self._paused_since = 0.0
        self._paused_seconds = 0.0
        self._looked = 0
        self.behind = False
        self.held = b""
        self.head_since = 0.0

    # ---- bytes ------------------------------------------------------------------------------------------------------

    def next_head(self) -> RequestHead | None:
        """The next head, taken off what is held; None while it is not whole. Raises Refusal."""
        held = self.held
        if self.head_since == 0.0:
            known = self._heads.known(held)
            if known is not None:
                self.held = b""
                return known
            if held == b"\r":
                return None  # what follows may make it an empty line
            if held.startswith(b"\r\n"):
                held = self.held = held[2:]  # RFC 9112 2.2: one empty line before a request is forgiven
            looked = 0
        else:
            looked = self._looked  # only what is new is looked through, or a head sent by the byte costs its square
        end = held.find(b"\r\n\r\n", looked - 3 if looked > 3 else 0) + 4
        if end < 4:
            self.head_since = self.head_since or self._loop.time()
            check_incomplete(held, self._limits, looked)
            self._looked = len(held)
            return None
        self.head_since = 0.0
        head = self._heads.parse(held[:end])
        self.held = held[end:]
        return head

    def hold(self, data: bytes) -> None:
        """Keeps what belongs to a later request; pauses reading when that is too much."""
        self.held += data
        if len(self.held) > self._limits.pipelined_bytes:
            self.pause()

    def take(self) -> bytes:
        """Everything that is held."""
        held, self.held = self.held, b""
        return held

    # ---- reading; pausing and resuming twice is harmless ------------------------------------------------------------

    def begin(self, now: float) -> None:
        """A new request: its clock starts at zero."""
        self._since = now
        self._paused_seconds = 0.0

    def pause(self) -> None:
        if not self._paused_since and not self._transport.is_closing():
            self._paused_since = self._loop.time()
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused_since and not self.behind and not self._transport.is_closing():
            self._paused_seconds += self._loop.time() - self._paused_since
            self._paused_since = 0.0
            self._transport.resume_reading()

    def seconds(self, now: float) -> float:
        """Seconds since `begin` in which the client could have sent something."""
        paused = self._paused_seconds + (now - self._paused_since if self._paused_since else 0.0)
        return now - self._since - paused
