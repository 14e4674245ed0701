"""A log as a list or a file: all of it is searched, newest first, and what was not is said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from guildnet_api.logs.filtered import Filter
from guildnet_api.logs.model import Run
from guildnet_api.logs.reader import snapshot
from guildnet_api.logs.reader.snapshot import MAX_LINES, MAX_LIST_BYTES, Found, Selection, newest, text
from guildnet_api.logs.source.kubelet import Options
from guildnet_api.logs.worker import Searcher, TooSlow, Worker

MAIN, SIDE = Run("0123456789ab", "ws-1", "main", 0), Run("0123456789ab", "ws-1", "side", 0)


def stamped(second: int, words: str) -> bytes:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.000000001Z {words}".encode()


@dataclass
class Kubelet:
    """Lines by container; `tails` are those that were asked for."""

    files: dict[str, list[bytes]]
    tails: list[int | None] = field(default_factory=list)

    async def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        self.tails.append(options.tail)
        lines = self.files[run.container]
        for line in lines if options.tail is None else lines[max(0, len(lines) - options.tail) :]:
            yield line


@pytest.fixture
def searcher() -> Iterator[Searcher]:
    worker = Worker()
    yield worker.searcher("alice")
    worker.close()


def texts(found: Found) -> list[str]:
    return [line["msg"] for line in found.lines]


async def body(response: object) -> str:
    chunks = [chunk async for chunk in response.body_iterator]  # type: ignore[attr-defined]
    return b"".join(chunks).decode()


def kubelet(*words: str, **others: Sequence[str]) -> Kubelet:
    files = {"main": words, **others}
    return Kubelet({name: [stamped(n + 1, each) for n, each in enumerate(lines)] for name, lines in files.items()})


async def test_a_plain_list_reads_no_more_than_it_shows(searcher: Searcher):
    source = kubelet(*(f"line {n}" for n in range(10_000)))
    found = await newest(source, [MAIN], Selection(limit=3), searcher)
    assert (texts(found), found.incomplete) == (["line 9997", "line 9998", "line 9999"], "")
    assert source.tails == [3]


@pytest.mark.parametrize("wanted", [Filter("error"), Filter(q="failed"), Filter(q="/fail.d/")], ids=str)
async def test_a_line_is_found_however_far_back_it_is(searcher: Searcher, wanted: Filter):
    source = kubelet("ERROR failed", *["fine"] * (MAX_LINES + 100))
    found = await newest(source, [MAIN], Selection(wanted, limit=10), searcher)
    assert (texts(found), found.incomplete) == (["ERROR failed"], "")
    assert source.tails == [MAX_LINES, 20 * MAX_LINES]


async def test_nothing_older_is_read_once_there_are_enough(searcher: Searcher):
    source = kubelet(*["ERROR x"] * (MAX_LINES + 100))
    assert len((await newest(source, [MAIN], Selection(Filter("error"), limit=10), searcher)).lines) == 10
    assert source.tails == [MAX_LINES]


async def test_what_the_budget_did_not_reach_is_said(searcher: Searcher, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshot, "TAILS", (100, None))
    source = kubelet("ERROR old", *["fine"] * 2000, "ERROR new")

    async def mapped(apply, items, *, bounded):
        if source.tails[-1] is None:
            raise TooSlow("Too slow.")
        return [apply(item) for item in items]

    monkeypatch.setattr(Searcher, "map", lambda _, apply, items, bounded=True: mapped(apply, items, bounded=bounded))
    found = await newest(source, [MAIN], Selection(Filter("error"), limit=10), searcher)
    assert texts(found) == ["ERROR new"]
    assert found.incomplete == "Only the newest 100 lines of main were searched. Too slow."


async def test_a_list_is_bounded_in_bytes_and_says_so(searcher: Searcher):
    source = kubelet(*(f"{n} " + "x" * 16_000 for n in range(1000)))
    found = await newest(source, [MAIN], Selection(limit=1000), searcher)
    assert sum(map(len, texts(found))) <= MAX_LIST_BYTES
    assert texts(found)[-1].startswith("999 ")
    assert found.incomplete.startswith("Older lines of main are left out")


async def test_the_kubelets_remark_that_a_log_is_removed_is_no_line(searcher: Searcher):
    source = Kubelet({"main": [b"unable to retrieve container logs for containerd://0123"]})
    assert await newest(source, [MAIN], Selection(), searcher) == Found([])
    assert await body(text(source, [MAIN], Selection(limit=None), searcher, "x.log")) == ""


async def test_another_remark_of_the_kubelet_stands_where_it_was_made(searcher: Searcher):
    source = Kubelet({"main": [stamped(7, "line"), b"failed to watch file"]})
    found = await newest(source, [MAIN], Selection(), searcher)
    assert [line["t"][:19] for line in found.lines] == ["1970-01-01T00:00:07"] * 2


async def test_a_file_has_everything_that_matches_of_one_container(searcher: Searcher):
    source = kubelet(*(f"line {n}" for n in range(7000)))
    saved = await body(text(source, [MAIN], Selection(Filter(q="/7$/"), limit=None), searcher, "ws.log"))
    assert len(saved.splitlines()) == 700
    assert saved.splitlines()[0] == "1970-01-01T00:00:08.000000001Z line 7"


async def test_a_file_takes_a_limit(searcher: Searcher):
    source = kubelet(*(f"line {n}" for n in range(7000)))
    saved = await body(text(source, [MAIN], Selection(Filter(q="/7$/"), limit=2), searcher, "ws.log"))
    assert [line.split()[-1] for line in saved.splitlines()] == ["6987", "6997"]


async def test_a_file_of_all_containers_is_in_the_order_of_time(searcher: Searcher):
    source = kubelet("a", "b", "c", side=["x", "y"])
    saved = await body(text(source, [MAIN, SIDE], Selection(limit=None), searcher, "ws.log"))
    assert [line.split(maxsplit=1)[1] for line in saved.splitlines()] == [
        "[main] a", "[side] x", "[main] b", "[side] y", "[main] c",
    ]  # fmt: skip


async def test_a_name_of_a_file_is_harmless_whatever_the_container_is_called(searcher: Searcher):
    response = text(kubelet(), [], Selection(), searcher, 'ws-日"\r\nSet-Cookie: a=b.log')
    assert response.headers["content-disposition"] == 'attachment; filename="ws-____Set-Cookie__a_b.log"'
