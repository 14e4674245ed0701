"""Lines out of chunks, at a bounded rate: what comes too fast is counted, and the rest stays whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guildnet.kube.lines import LINE_COST_BYTES, Shed, SheddingSplitter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def splitter(clock: Clock, rate: float = 1000.0, burst: float = 1000.0) -> SheddingSplitter:
    return SheddingSplitter(100, rate, burst, clock)


def test_below_the_rate_nothing_is_dropped():
    clock = Clock()
    lines = splitter(clock)
    found = []
    for _ in range(100):
        clock.now += 1.0
        found += lines.feed(b"one\ntwo\n")
    assert found == [b"one", b"two"] * 100


def test_what_comes_too_fast_is_dropped_in_whole_lines_and_announced_at_once():
    clock = Clock()
    lines = splitter(clock)
    assert lines.feed(b"x\n" * 50 + b"sec") == [b"x"] * 50
    (shed,) = lines.feed(b"ond\n" + b"x\n" * 50 + b"cut")
    assert isinstance(shed, Shed)
    assert shed.lines == 51
    clock.now += 60
    (more, *rest) = lines.feed(b" off\nwhole\n")
    assert isinstance(more, Shed)
    assert (more.lines, rest) == (1, [b"whole"])


def test_under_lasting_spam_drops_are_told_once_a_second_and_lines_go_on_passing():
    clock = Clock()
    lines = splitter(clock, rate=10 * LINE_COST_BYTES, burst=10 * LINE_COST_BYTES)
    sheds, whole = 0, 0
    for _ in range(1000):
        clock.now += 0.01
        for line in lines.feed(b"spam\n" * 20):
            sheds += isinstance(line, Shed)
            whole += line == b"spam"
    assert 8 <= sheds <= 30
    assert 0 < whole <= 120


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.data())
def test_every_line_is_either_whole_or_counted(sizes: list[int], data: st.DataObject):
    """However the stream is cut into chunks and whatever the time between them."""
    clock = Clock()
    lines = splitter(clock)
    stream = b"".join(b"%d:" % number + b"y" * size + b"\n" for number, size in enumerate(sizes))
    out: list[bytes] = []
    while stream:
        clock.now += data.draw(st.floats(0, 1.5))
        cut = data.draw(st.integers(1, len(stream)))
        out += lines.feed(stream[:cut])
        stream = stream[cut:]
    clock.now += 3600
    out += lines.feed(b"")
    wanted = {b"%d:" % number + b"y" * size for number, size in enumerate(sizes)}
    kept = [line for line in out if not isinstance(line, Shed)]
    assert set(kept) <= wanted
    assert len(set(kept)) == len(kept)
    assert len(kept) + sum(line.lines for line in out if isinstance(line, Shed)) == len(sizes)
