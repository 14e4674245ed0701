"""A case: what a client sends, and for how many echoes it waits in between."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.websocket.frames import CLOSE, frame


@dataclass(frozen=True, slots=True)
class Await:
    """Go on when so many messages and pongs in all have come back, or the server has closed."""

    count: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on after a moment: what was sent has been read by then."""

    seconds: float = 0.05


@dataclass(frozen=True, slots=True)
class AwaitClose:
    """Go on when the server has sent its close frame, or after a while without one."""

    seconds: float = 2.0


Step = bytes | Await | AwaitClose | Pause
"""Bytes are one write."""


@dataclass(frozen=True, slots=True)
class Case:
    """`extensions` is what the handshake offers. The steps end with a close frame of 1000 unless `closes` says that
    they have their own; where the connection `fails` it waits for the server's, so that the server's is the first."""

    number: str
    what: str
    steps: tuple[Step, ...]
    fails: bool = False
    closes: bool = False
    extensions: str = ""

    @property
    def echoes(self) -> int:
        """How many messages and pongs have to come back."""
        return max((step.count for step in self.steps if isinstance(step, Await)), default=0)

    def script(self) -> tuple[Step, ...]:
        if self.closes:
            return self.steps
        return (*self.steps, *([AwaitClose()] if self.fails else []), frame(CLOSE, code(1000)))


def code(number: int, reason: bytes = b"") -> bytes:
    """The payload of a close frame."""
    return number.to_bytes(2, "big") + reason


def octets(*frames: bytes) -> tuple[bytes, ...]:
    """Each octet in a write of its own."""
    return tuple(bytes((octet,)) for octet in b"".join(frames))
