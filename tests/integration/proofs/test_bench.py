"""The bench's load and upstream on real sockets: right answers pass, a wrong one is seen, rounds count."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from proofs.bench import accounting, bodies, still
from proofs.bench.accounting import Core
from proofs.bench.load.loop import Load, answers, measure
from proofs.bench.peers import registry
from proofs.bench.peers.room import Room
from proofs.bench.scenarios import SCENARIOS, Ask, Scenario
from proofs.bench.upstream import Upstream
from support.process import Process, cpu_seconds, resident_bytes
from support.waiting import eventually, until

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture
async def upstream():
    async with Upstream().listening() as made:
        yield made


@pytest.fixture
def room(tmp_path: Path, upstream: Upstream) -> Room:
    core = min(os.sched_getaffinity(0))
    return Room.made(tmp_path, core, upstream.port, tmp_path / "none")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=BY_NAME)
async def test_the_upstream_answers_each_scenario_as_it_should(upstream: Upstream, room: Room, scenario: Scenario):
    assert await answers(upstream.port, scenario.client(Ask(room, checked=True))) == ""
    if scenario.upload:
        assert upstream.digest == scenario.upload


async def test_a_proxy_passes_all_of_them(upstream: Upstream, room: Room):
    proxy = next(item for item in registry.PROXIES if item.name == "aiohttp").start(room)
    try:

        async def ready() -> bool:
            return not await answers(proxy.port, BY_NAME["small"].client(Ask(room)))

        await eventually(ready, within=20)
        for scenario in SCENARIOS:
            assert await answers(proxy.port, scenario.client(Ask(room, checked=True))) == "", scenario.name
        delay = await still.delay("aiohttp", 0, proxy.port, Ask(room), 0.2)
        assert not delay.fault
        assert 0 < delay.cost < 5000
        idle = await still.idle(proxy, Ask(room), still.FIRST + 5 * still.STEPS)
        assert [item.fault for item in idle] == [""] * still.STEPS
    finally:
        proxy.process.stop(kill=True)


@pytest.mark.parametrize(
    ("name", "changed", "fault"),
    [
        pytest.param("small", (bodies.BODY[:8], b"!" * 8), "another body", id="another small body"),
        pytest.param("small", (b"200 OK", b"503 No"), "status 503", id="a status"),
        pytest.param("download", (bodies.BLOCK[:8], b"!" * 8), "another body", id="another large body"),
        pytest.param("chunked", (bodies.BLOCK[:8], b"!" * 8), "another body", id="another chunked body"),
        pytest.param("websocket", (b"101 Switching", b"200 OK"), "status 200", id="no upgrade"),
    ],
)
async def test_a_changed_answer_is_a_fault(upstream: Upstream, room: Room, name: str, changed, fault: str):
    relaying: list[asyncio.Task[None] | None] = []

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relaying.append(asyncio.current_task())
        back, onward = await asyncio.open_connection("127.0.0.1", upstream.port)
        onward.write(await reader.readuntil(b"\r\n\r\n"))
        while data := await back.read(65536):
            writer.write(data.replace(*changed))
        onward.close()
        writer.close()

    server = await asyncio.start_server(between, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        assert await answers(port, BY_NAME[name].client(Ask(room, checked=True))) == fault
    finally:
        server.close()
        for transport in upstream.connections:
            transport.abort()
        await asyncio.gather(*filter(None, relaying), return_exceptions=True)


async def test_a_round_counts_what_the_upstream_served(upstream: Upstream, room: Room):
    load = Load(BY_NAME["small"].client(Ask(room)))
    found = await measure(load, 4, upstream.port, os.getpid(), Core(room.core), upstream, 0.2)
    assert found.fault == ""
    assert 0 < found.operations <= upstream.served


async def test_answers_that_the_upstream_did_not_give_void_the_round(upstream: Upstream, room: Room):
    load = Load(BY_NAME["small"].client(Ask(room)))
    found = await measure(load, 4, upstream.port, os.getpid(), Core(room.core), Upstream(), 0.1)
    assert found.fault == f"{found.operations} answers for 0 operations at the upstream"


async def test_nobody_there_is_a_fault_and_no_exception(room: Room):
    assert (await answers(room.port, BY_NAME["small"].client(Ask(room)))).startswith("no connection")


def test_workers_count_with_the_process_that_started_them(tmp_path: Path):
    started = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    process = Process([sys.executable, "-c", started], tmp_path / "log")
    try:
        until(lambda: accounting.cpu_seconds(process.pid) > cpu_seconds(process.pid) + 0.1, "a worker's CPU time")
        assert len(accounting.tree(process.pid)) == 2
        assert accounting.resident_bytes(process.pid) > resident_bytes(process.pid)
    finally:
        for pid in reversed(accounting.tree(process.pid)):
            os.kill(pid, signal.SIGKILL)
        process.stop(kill=True)
