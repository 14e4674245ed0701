"""5 fragmentation."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.websocket.case import Await, Case, Pause, Step, octets
from proofs.websocket.frames import CONTINUATION, PING, PONG, TEXT, fragments, frame

_PARTS = [b"fragment1", b"fragment2"]
_WAYS = ("at once", "frame by frame", "octet by octet")


def _sent(frames: list[bytes], way: int) -> tuple[bytes, ...]:
    return ((b"".join(frames),), tuple(frames), octets(*frames))[way]


def cases() -> Iterator[Case]:
    yield Case("5.1", "a ping in two fragments", tuple(fragments(PING, _PARTS)), fails=True)
    yield Case("5.2", "a pong in two fragments", tuple(fragments(PONG, _PARTS)), fails=True)
    two = fragments(TEXT, _PARTS)
    for way, how in enumerate(_WAYS):
        yield Case(f"5.{3 + way}", f"text in two fragments, {how}", (*_sent(two, way), Await(1)))
        between = [two[0], frame(PING, b"pingtext"), two[1]]
        yield Case(f"5.{6 + way}", f"a ping between fragments, {how}", (*_sent(between, way), Await(2)))
        for first, fin in ((9, True), (12, False)):
            frames = [frame(CONTINUATION, b"non-continuation payload", fin=fin), frame(TEXT, b"Hello, world!")]
            yield Case(f"5.{first + way}", f"nothing to continue, fin {fin}, {how}", _sent(frames, way), fails=True)
    lonely = frame(CONTINUATION, b"fragment3", fin=False)
    steps: tuple[Step, ...] = (*two, Await(1), lonely, frame(TEXT, b"fragment4"))
    yield Case("5.15", "a message, then nothing to continue", steps, fails=True)
    for number, fin in ((16, False), (17, True)):
        frames = [frame(CONTINUATION, b"fragment1", fin=fin), frame(TEXT, b"fragment2", fin=False)]
        frames.append(frame(CONTINUATION, b"fragment3"))
        yield Case(f"5.{number}", f"twice nothing to continue, fin {fin}", tuple(frames * 2), fails=True)
    both = (frame(TEXT, b"fragment1", fin=False), frame(TEXT, b"fragment2"))
    yield Case("5.18", "two fragments, both of text", both, fails=True)
    five = fragments(TEXT, [b"fragment%d" % number for number in range(1, 6)])
    five.insert(2, frame(PING, b"pongme 1!"))
    five.insert(5, frame(PING, b"pongme 2!"))
    yield Case("5.19", "five fragments and two pings, with a pause", (*five[:3], Pause(), *five[3:], Await(3)))
    yield Case("5.20", "five fragments and two pings", (*five, Await(3)))
