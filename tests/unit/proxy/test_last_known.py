"""The table of an earlier run: what of it is kept, which file is one, and for how long it is used."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from guildnet import capability
from guildnet_proxy.cluster import last_known
from guildnet_proxy.cluster.index import Endpoint, Index, Slice
from guildnet_proxy.cluster.last_known import LastKnown, Table, UnusableError, lines, read, write
from support.played_clock import played
from unit.proxy.values import workspace

NOW = 1_800_000_000.0
RULE = capability.parse({
    "metadata": {"name": "team"},
    "spec": {
        "actions": ["proxy", "list"], "subjects": [{"kind": "User", "name": "ann@example.com"}],
        "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]},
        "constraints": {"allowedImages": ["x"], "maxConcurrent": 3},
    },
})  # fmt: skip
SLICE = Slice("s", "service-ws", (Endpoint("10.1.1.1", 8080, "http", ready=True),))


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def full(**spec: Any) -> Any:
    env = [{"name": "TOKEN", "value": "hunter2"}, {"name": "AGENT_HOST", "value": "h:1"}]
    ports = [{"containerPort": 8080, "pathMode": "Preserve"}]
    return workspace(
        spec={"env": env, "ports": ports, "args": ["--password=hunter2"], "notes": "hunter2", **spec},
        status={"origin": {"port": 20001, "host": "ws-1"}, "conditions": [{"type": "Ready", "status": "True"}]},
        labels={"a": "b"},
    )


def table() -> Table:
    return Table((full(),), (SLICE,), (RULE,))


def test_what_is_read_is_what_was_written_without_what_the_proxy_does_not_ask_for() -> None:
    text = b"".join(lines(table(), "ns"))
    assert b"hunter2" not in text
    found = read(text.splitlines(keepends=True), "ns")
    (kept,), given = found.workspaces, full()
    assert (found.slices, found.capabilities) == ((SLICE,), (RULE,))
    assert (kept.status, kept.labels, kept.uid, kept.created_at) == (
        given.status, given.labels, given.uid, given.created_at,
    )  # fmt: skip
    assert (kept.spec.ports, [item.name for item in kept.spec.env]) == (given.spec.ports, ["AGENT_HOST"])


def broken() -> dict[str, Callable[[bytes], bytes]]:
    return {
        "empty": lambda _: b"",
        "another schema": lambda text: text.replace(b" 1 ns", b" 2 ns", 1),
        "another program's": lambda text: b"{}" + text,
        "another namespace": lambda text: text.replace(b" 1 ns ", b" 1 other ", 1),
        "cut between lines": lambda text: text[: text.rindex(b"capability")],
        "cut in a line": lambda text: text[:-20],
        "a kind of later": lambda text: text.replace(b"slice ", b"route ", 1),
        "a value of another shape": lambda text: text.replace(b'"port":8080', b'"port":"x"', 1),
    }


@pytest.mark.parametrize("change", broken().values(), ids=broken())
def test_a_file_that_is_not_whole_or_not_ours_is_none(change: Callable[[bytes], bytes]) -> None:
    text = b"".join(lines(table(), "ns"))
    with pytest.raises(UnusableError):
        read(change(text).splitlines(keepends=True), "ns")


def keeper(path: Path, index: Index, *, age: float = 0.0, now: float = NOW, told: list[str] | None = None) -> LastKnown:
    forgotten = told if told is not None else []
    return LastKnown(
        path, "ns", index, seconds=3600, age=lambda: age, forget=lambda: forgotten.append("forgotten"),
        wall=lambda: now,
    )  # fmt: skip


def test_the_file_is_put_in_place_whole_and_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "known"
    assert write(path, table(), "ns", NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_mtime == NOW
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_above_the_bound_is_not_written_and_the_earlier_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "known"
    write(path, table(), "ns", NOW)
    before = path.read_bytes()
    monkeypatch.setattr(last_known, "MAX_BYTES", len(before) - 1)
    assert not write(path, table(), "ns", NOW + 1)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])
    assert not keeper(path, Index()).restore(), "nor is one read"


@pytest.mark.parametrize(("age", "used"), [(0, True), (3600, True), (3601, False), (-59, True), (-61, False)])
def test_a_table_is_used_for_an_hour_after_it_was_confirmed(tmp_path: Path, age: float, *, used: bool) -> None:
    path, index = tmp_path / "known", Index()
    write(path, table(), "ns", NOW - age)
    assert keeper(path, index).restore() is used
    assert (index.find("ws") is not None) is used
    assert not index.listed, "what is not in it may be there all the same"
    if used:
        assert index.stale is not None
        assert index.stale() == max(0, age)
        assert index.capabilities == (RULE,)
        assert index.endpoints(index.workspaces["ws"]) == SLICE.endpoints


def test_no_file_is_no_table(tmp_path: Path) -> None:
    assert not keeper(tmp_path / "none", Index()).restore()


def filled() -> Index:
    index = Index()
    index.put_slice(SLICE)
    index.put_workspace(full())
    index.set_capabilities((RULE,))
    return index


async def test_a_change_is_written_and_without_one_it_is_noted_that_it_is_confirmed(tmp_path: Path) -> None:
    path, index = tmp_path / "known", filled()
    kept = keeper(path, index, age=7.0)
    await kept.keep()
    assert path.stat().st_mtime == NOW - 7
    written = path.stat().st_ino
    os.utime(path, (1, 1))
    await kept.keep()
    assert (path.stat().st_ino, path.stat().st_mtime) == (written, NOW - 7)
    index.remove_workspace("ws")
    await kept.keep()
    assert read(path.read_bytes().splitlines(keepends=True), "ns").workspaces == ()


@pytest.mark.parametrize("age", [inf, 3601.0])
async def test_what_the_api_server_does_not_confirm_is_not_written(tmp_path: Path, age: float) -> None:
    await keeper(tmp_path / "known", filled(), age=age).keep()
    assert not files(tmp_path)


async def test_rules_that_cannot_be_read_are_not_written_as_none(tmp_path: Path) -> None:
    index = filled()
    index.set_capabilities(None)
    await keeper(tmp_path / "known", index).keep()
    assert not files(tmp_path)


async def test_a_folder_that_cannot_be_written_to_is_no_reason_to_end(tmp_path: Path) -> None:
    await keeper(tmp_path / "nowhere" / "known", filled()).keep()


@played
async def test_a_restored_table_ends_when_it_is_too_old_and_is_never_written_back(tmp_path: Path) -> None:
    told: list[str] = []
    ages = [3590]
    index = filled()
    index.stale = lambda: ages[0]
    task = asyncio.create_task(keeper(tmp_path / "known", index, told=told).run(writes=True))
    await asyncio.sleep(12)
    assert not told
    ages[0] = 3601
    await asyncio.sleep(6)
    task.cancel()
    assert told
    assert not files(tmp_path)


def test_a_complete_list_drops_what_an_earlier_run_knew_and_it_does_not_name() -> None:
    index = filled()
    index.put_workspace(workspace(name="gone", uid="another"))
    index.put_slice(Slice("gone", "service-gone", ()))
    index.keep_only(workspaces={"ws"})
    assert list(index.workspaces) == ["ws"]
    index.keep_only(slices={"s"})
    assert index.slices() == (SLICE,)
    version = index.version
    index.confirm()
    assert index.version == version, "nothing was another's word"
    index.stale = lambda: 5
    index.confirm()
    assert [index.stale, index.version] == [None, version + 1]
