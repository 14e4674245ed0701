"""What readers take of a feed: rings of frames, all there are or those of one look, shared by who looks alike.

The joined block of the last wake-up is kept, because viewers stand at the same place nearly always.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Final

from guildnet.logs import Line, Ring
from guildnet_api.logs.query import TooSlow, question
from guildnet_api.logs.riders import Rider, Riders
from guildnet_api.streams import Connection

BLOCK_LINES: Final = 2000


@dataclass(frozen=True, slots=True)
class Look:
    """Which lines of a feed a reader wants: those of a level, "" for any, that match a question (see `query`)."""

    level: str = ""
    question: str = ""


EVERYTHING: Final = Look()


class View:
    """A ring of frames, all there are or those of one look; readers that look alike share it."""

    __slots__ = (
        "_block",
        "_from",
        "_last",
        "_level",
        "_question",
        "_to",
        "readers",
        "riders",
        "ring",
        "too_slow",
        "wrote_at",
    )

    def __init__(self, lines: int, size: int, look: Look = EVERYTHING) -> None:
        self.ring = Ring(lines, size)
        self.readers = 0
        self.riders = Riders()
        self.wrote_at = 0.0
        """When riders were last sent something (monotonic seconds)."""
        self.too_slow = ""
        """Why it holds nothing new any more: matching took more than it may."""
        self._level = look.level
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
        if self._level not in ("", level) or self.too_slow:
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

    def get_on(self, connection: Connection, at: str) -> Rider:
        """For a reader that has everything up to here. `at` is its place, as `block` returned it."""
        self.carry()
        return self.riders.get_on(connection, at)

    def carry(self) -> int:
        """Bring all riders up to the end; bytes written."""
        written = 0
        while self.riders:
            block, to = self.block(self.riders.at)
            if not block:
                break
            written += self.riders.carry(block, to) * len(block)
            self.wrote_at = time.monotonic()
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
