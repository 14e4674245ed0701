"""Bytes that go from one descriptor to another within the kernel: here both are pipes, and the loop is played."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_proxy.http.splicing.pipes import PIPE_BYTES, Pipes
from guildnet_proxy.http.splicing.splice import Splice, between
from unit.proxy.played import Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="splice(2) is Linux's")


class Bed:
    """A splice between two pipes, whose outer ends are here; `told` is what its user heard."""

    def __init__(self, left: int) -> None:
        self.loop = Watch()
        self.pipes = Pipes(2)
        self.told: list[Any] = []
        out, self.speak = os.pipe2(os.O_NONBLOCK)
        self.hear, into = os.pipe2(os.O_NONBLOCK)
        source, sink = (SimpleNamespace(get_extra_info=_socket(end)) for end in (out, into))
        loop: Any = self.loop
        splice = between(self.pipes, loop, source, sink, left, self)  # type: ignore[arg-type]
        assert splice is not None
        self.splice: Splice = splice
        os.close(out)
        os.close(into)

    def splice_moved(self, size: int) -> None:
        self.told.append(size)

    def splice_blocked(self) -> None:
        self.told.append("blocked")

    def splice_flows(self) -> None:
        self.told.append("flows")

    def splice_ended(self, rest: bytes) -> None:
        self.told.append(("ended", rest))

    def splice_failed(self, error: Exception | None) -> None:
        self.told.append(("failed", type(error)))

    def heard(self) -> bytes:
        try:
            return os.read(self.hear, 1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.splice.close()
        self.pipes.close()
        for end in (self.speak, self.hear):
            if end >= 0:
                os.close(end)


def _socket(end: int) -> Callable[[str], Any]:
    return lambda name: SimpleNamespace(fileno=lambda: end) if name == "socket" else None


@pytest.fixture
def beds() -> Iterator[Callable[[int], Bed]]:
    made: list[Bed] = []

    def bed(left: int) -> Bed:
        made.append(Bed(left))
        return made[-1]

    before = _descriptors()
    yield bed
    for each in made:
        each.close()
    assert _descriptors() == before, "a descriptor was left open"


def test_all_of_it_goes_and_no_more(beds: Callable[[int], Bed]) -> None:
    it = beds(10)
    it.splice.begin()
    os.write(it.speak, b"hello")
    it.loop.turn()
    os.write(it.speak, b"world and more")
    it.loop.turn()
    assert it.told == [5, 5, ("ended", b"")]
    assert it.heard() == b"helloworld"
    assert (it.loop.readers, it.loop.writers) == ({}, {})


def test_nothing_is_moved_before_it_begins_or_after_it_is_closed(beds: Callable[[int], Bed]) -> None:
    it = beds(10)
    os.write(it.speak, b"hello")
    it.splice.step()
    assert it.told == []
    it.splice.begin()
    it.splice.begin()
    it.splice.close()
    it.splice.close()
    it.splice.step()
    assert (it.told, it.heard(), it.loop.readers) == ([], b"", {})


def test_a_sink_that_takes_no_more_holds_the_source_back(beds: Callable[[int], Bed]) -> None:
    it = beds(1 << 20)
    it.splice.begin()
    os.write(it.speak, b"a" * 4096)
    it.loop.turn()
    for _ in range(40):
        _written(it.speak, b"b" * 4096)
        it.loop.turn()
    assert "blocked" in it.told
    assert (it.loop.readers, len(it.loop.writers)) == ({}, 1), "it reads what nobody takes"
    got = it.heard()
    it.loop.turn()
    while piece := it.heard():
        got += piece
        it.loop.turn()
    assert it.told.count("flows") == 1
    assert (len(it.loop.readers), it.loop.writers) == (1, {})
    assert got == b"a" * 4096 + b"b" * (len(got) - 4096)
    assert len(got) == sum(item for item in it.told if isinstance(item, int))


def test_a_sink_that_takes_a_little_is_said_to_be_blocked_anew(beds: Callable[[int], Bed]) -> None:
    """The time that a client has to read something begins again with each thing that it reads."""
    it = beds(1 << 20)
    fcntl.fcntl(it.speak, fcntl.F_SETPIPE_SZ, 1 << 20)
    it.splice.begin()
    os.write(it.speak, b"b" * 200_000)
    it.loop.turn()
    it.loop.turn()
    assert it.told == [200_000, "blocked"]
    os.read(it.hear, 4096)
    it.loop.turn()
    it.loop.turn()
    assert it.told == [200_000, "blocked", "blocked"]


def test_a_source_that_ends_too_early_fails(beds: Callable[[int], Bed]) -> None:
    it = beds(10)
    it.splice.begin()
    os.write(it.speak, b"hello")
    os.close(it.speak)
    it.speak = -1
    it.loop.turn()
    it.loop.turn()
    assert it.told == [5, ("failed", type(None))]
    assert it.heard() == b"hello"


def test_a_sink_that_is_gone_fails(beds: Callable[[int], Bed]) -> None:
    it = beds(10)
    it.splice.begin()
    os.close(it.hear)
    it.hear = -1
    os.write(it.speak, b"hello")
    it.loop.turn()
    assert it.told == [5, ("failed", BrokenPipeError)]
    assert it.loop.readers == {}


def test_what_the_kernel_cannot_take_comes_the_usual_way(
    beds: Callable[[int], Bed], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = beds(10)
    it.splice.begin()
    os.write(it.speak, b"hello")

    def refused(*_: Any, **__: Any) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "splice", refused)
    it.loop.turn()
    assert it.told == [("ended", b"")]
    assert it.loop.readers == {}


def test_what_a_sink_refuses_is_given_back(beds: Callable[[int], Bed], monkeypatch: pytest.MonkeyPatch) -> None:
    it = beds(10)
    it.splice.begin()
    os.write(it.speak, b"hello")
    splice = os.splice
    calls: list[int] = []

    def refused(*given: Any, **more: Any) -> int:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(22, "Invalid argument")
        return splice(*given, **more)

    monkeypatch.setattr(os, "splice", refused)
    it.loop.turn()
    assert it.told == [5, ("ended", b"hello")]


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def _written(end: int, data: bytes) -> int:
    try:
        return os.write(end, data)
    except BlockingIOError:
        return 0


# ---- pipes ----------------------------------------------------------------------------------------------------------


def test_only_so_many_pipes_are_out_at_once() -> None:
    pipes = Pipes(2)
    first, second = pipes.take(), pipes.take()
    assert first is not None
    assert second is not None
    assert pipes.take() is None
    pipes.put(first, empty=True)
    again = pipes.take()
    assert again is first
    assert pipes.taken == 3
    pipes.put(first, empty=True)
    pipes.put(second, empty=True)
    pipes.close()
    assert pipes.take() is None


def test_a_pipe_with_something_in_it_is_not_used_again() -> None:
    pipes = Pipes(1)
    first = pipes.take()
    assert first is not None
    os.write(first.write_end, b"of somebody else")
    pipes.put(first, empty=False)
    second = pipes.take()
    assert second is not None
    with pytest.raises(BlockingIOError):
        os.read(second.read_end, 100)
    pipes.put(second, empty=True)
    pipes.close()


def test_a_pipe_that_comes_back_after_the_end_is_closed() -> None:
    before = _descriptors()
    pipes = Pipes(1)
    pipe = pipes.take()
    assert pipe is not None
    assert pipe.size == PIPE_BYTES
    pipes.close()
    pipes.put(pipe, empty=True)
    assert _descriptors() == before


@pytest.mark.parametrize(("size", "given"), [(65536, False), (262144, True)])
def test_a_small_pipe_does_not_pay(monkeypatch: pytest.MonkeyPatch, size: int, given: bool) -> None:
    """The kernel lets a user have so much of pipes, and then refuses larger ones."""

    def refused(descriptor: int, command: int, *_: int) -> int:
        if command == fcntl.F_SETPIPE_SZ:
            raise PermissionError
        return size

    monkeypatch.setattr(fcntl, "fcntl", refused)
    before = _descriptors()
    pipes = Pipes(1)
    pipe = pipes.take()
    assert (pipe is not None) == given
    if pipe is not None:
        pipes.put(pipe, empty=True)
    pipes.close()
    assert _descriptors() == before


def test_where_there_are_no_descriptors_left_there_is_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: int) -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe2", none)
    assert Pipes(1).take() is None


def test_on_another_system_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Pipes(4).take() is None


@pytest.mark.parametrize("bad", ["source", "sink", "tls"])
def test_without_two_plain_sockets_there_is_no_splice(bad: str) -> None:
    out, into = os.pipe2(os.O_NONBLOCK)
    before = _descriptors()
    pipes = Pipes(1)
    ends = {"source": _socket(out), "sink": _socket(into)}
    if bad == "tls":
        ends["source"] = lambda name: SimpleNamespace(fileno=lambda: out) if name == "socket" else object()
    else:
        ends[bad] = lambda _: None
    source, sink = (SimpleNamespace(get_extra_info=ends[name]) for name in ("source", "sink"))
    loop: Any = Watch()
    user: Any = None
    assert between(pipes, loop, source, sink, 10, user) is None  # type: ignore[arg-type]
    pipe = pipes.take()
    assert pipe is not None, "the pipe was not given back"
    pipes.put(pipe, empty=True)
    pipes.close()
    assert _descriptors() == before
    os.close(out)
    os.close(into)
