"""What readers take of a feed: rings of frames, all there are or those of one look, shared by who looks alike.

The joined block of the last wake-up is kept, because viewers stand at the same place nearly always.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Final

from guildnet_api.http.event_stream import Connection
from guildnet_api.logs.matcher import TooSlow, question
from guildnet_api.logs.model import Line, Ring
from guildnet_api.logs.push import Rider, Riders

BLOCK_LINES: Final = 2000
PENDING_BYTES: Final = 256 * 1024
"""What may wait for the next wake-up of readers; more is sent at once."""


@dataclass(frozen=True, slots=True)
class Look:
    """Which lines of a feed a reader wants: those of a level, "" for any, that match a question (see `query`)."""

    level: str = ""
    question: str = ""


EVERYTHING: Final = Look()


class View:
    """A ring of frames, all there are or those of one look; readers that look alike share it."""

    def __init__(self, lines: int, size: int, look: Look = EVERYTHING) -> None:
        self.ring = Ring(lines, size)
        self.readers = 0
        self._written = 0
        self._pending = self._pending_size = 0
        self._most_pending, self._most_pending_size = min(BLOCK_LINES, lines // 2), min(PENDING_BYTES, size // 2)
        self.riders = Riders()
        self.wrote_at = 0.0
        """When riders were last sent something (monotonic seconds)."""
        self.too_slow = ""
        """Why it holds nothing new any more: matching took more than it may."""
        self.look = look
        self._question = question(look.question)
        self._from: str | None = None
        self._last = ""
        self._to = ""
        self._block = b""

    def offer(self, line: Line, level: str, text: str) -> None:
        """Take the line if it is of this look. Level "" is a gap, which everybody has to know of."""
        if level and not self._wants(level, text):
            return
        self.append(line)

    def _wants(self, level: str, text: str) -> bool:
        if self.look.level not in ("", level) or self.too_slow:
            return False
        try:
            return self._question is None or self._question.matches(text)
        except TooSlow as error:
            self.too_slow = error.message
            self.riders.call()
            return False

    def append(self, line: Line) -> None:
        self.ring.append(line)
        self._last = line.id
        self._from = None
        # Riders have to be brought along before what they have not been sent is dropped from the ring.
        self._pending += 1
        self._pending_size += len(line.data)
        if self._pending >= self._most_pending or self._pending_size >= self._most_pending_size:
            self.carry()

    def get_on(self, connection: Connection, at: str) -> Rider:
        """For a reader that has everything up to here. `at` is its place, as `block` returned it."""
        self.carry()
        return self.riders.get_on(connection, at)

    def carry(self) -> None:
        """Bring all riders up to the end."""
        self._pending = self._pending_size = 0
        while self.riders:
            block, to = self.block(self.riders.at)
            if not block:
                break
            self._written += self.riders.carry(block, to) * len(block)
            self.wrote_at = time.monotonic()

    def written(self) -> int:
        """Bytes that riders were sent since this was last asked."""
        written, self._written = self._written, 0
        return written

    def block(self, after: str) -> tuple[bytes, str]:
        """The frames after an id as one block, and the id it ends at; an empty block when there is nothing."""
        if after == self._last:
            return b"", after
        if after == self._from:
            return self._block, self._to
        lines = self.ring.after(after)[:BLOCK_LINES]
        self._from, self._to = after, lines[-1].id if lines else after
        self._block = b"".join(line.data for line in lines)
        return self._block, self._to


def of_frame(data: bytes) -> tuple[str, str]:
    """Level and text of a frame that was encoded here; two times "" for a gap."""
    if data.startswith(b"event: "):
        return "", ""
    line = json.loads(data[data.index(b"data: ") + 6 :])
    return line["lvl"], line["msg"]
