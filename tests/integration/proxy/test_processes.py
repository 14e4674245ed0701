"""Several processes at one port, as processes: both serve, both are told of, both end; one that dies is replaced."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from guildnet.errors import Invalid, Unreachable
from guildnet_proxy.processes import kept
from guildnet_proxy.processes.kept import Kept
from guildnet_proxy.processes.output import SharedOutput
from guildnet_proxy.processes.share import Share
from integration.proxy.room import Answer, read_answer, serve_app
from proofs.proxied.running import Site, install, ready
from support.process import Process, free_port
from support.waiting import eventually

LONG = "x" * 20_000
WORKSPACE = "lab"


@dataclass
class Two:
    """A running proxy of two processes, and its workspace."""

    site: Site
    process: Process
    ops: int
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def ask(self, path: str = "/") -> Answer:
        """Over a connection of its own, which the kernel gives to one of the two."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.site.port)
        writer.write(self._head(path, "Connection: close"))
        async with asyncio.timeout(20):
            answer = await read_answer(reader)
        writer.close()
        return answer

    def _head(self, path: str, *fields: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.site.host(WORKSPACE)}", f"Cookie: {self.site.cookie(WORKSPACE)}"]
        return "\r\n".join([*lines, *fields, "", ""]).encode()

    async def stay(self) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that stays open, and which process it is at."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.site.port)
        self.opened.append(writer)
        return await self.again(reader, writer), reader, writer

    async def again(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        writer.write(self._head("/"))
        return who(await asyncio.wait_for(read_answer(reader), 10))

    async def at_both(self) -> dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection that stays open at each of the two."""
        found: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        for _ in range(100):
            name, reader, writer = await self.stay()
            found.setdefault(name, (reader, writer))
            if len(found) == 2:
                return found
        raise AssertionError("one of the two got no connection")

    async def told(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ops)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(read_answer(reader), 10)
        writer.close()
        return answer.status, answer.body.decode()

    async def counted(self, name: str) -> float:
        """The sum of a metric's samples."""
        _, text = await self.told("/metrics")
        values = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith((name + "{", name + " "))]
        assert values, f"there is no {name}"
        return sum(map(float, values))

    def children(self) -> list[int]:
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def websocket(self) -> connect:
        return connect(
            f"ws://{self.site.host(WORKSPACE)}/socket", host="127.0.0.1", port=self.site.port,
            additional_headers={"Cookie": self.site.cookie(WORKSPACE)},
            origin=f"http://{self.site.host(WORKSPACE)}",  # type: ignore[arg-type]
            ping_interval=None, proxy=None,
        )  # fmt: skip


def who(answer: Answer) -> str:
    """Which process answered: the ids that it gives begin alike."""
    assert answer.status == 200
    return answer.one("X-Request-Id")[:22]


def workspace() -> web.Application:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(1.0)
        return web.Response(text="late")

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/slow", slow), web.get("/socket", socket)])
    return app


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with running(tmp_path) as made:
        yield made


@asynccontextmanager
async def running(tmp_path: Path, **more: str) -> AsyncIterator[Two]:
    runner, port = await serve_app(workspace())
    async with install(tmp_path, {WORKSPACE: port}) as installed:
        ops = free_port()
        process = installed.start(
            tmp_path / "proxy.log", installed.site.port, ops,
            PROCESSES="2", DRAIN_DELAY_SECONDS="0", DRAIN_SECONDS="4", STREAMS_PER_WORKSPACE="1000", **more,
        )  # fmt: skip
        try:
            await eventually(lambda: ready(ops), within=40)
            made = Two(installed.site, process, ops)
            yield made
            for writer in made.opened:
                writer.close()
        finally:
            await asyncio.to_thread(process.stop)
            print(process.tail())
    await runner.cleanup()


def ended(process: Process) -> int:
    """Waits for it and gives its exit status."""
    return process._popen.wait(20)


async def test_both_serve_and_are_told_of_as_one(two: Two):
    served = Counter([who(await two.ask()) for _ in range(60)])
    assert len(served) == 2
    assert min(served.values()) >= 5
    assert await two.counted("guildnet_proxy_requests_total") == 60
    assert await two.counted("guildnet_proxy_request_seconds_count") == 60
    assert await two.counted("guildnet_proxy_processes") == 2
    assert await two.counted("guildnet_proxy_engine_info") == 1
    status, text = await two.told("/readyz")
    assert (status, set(json.loads(text)["checks"])) == (200, {"kubernetes", "engine"})
    assert await two.told("/readyz/kubernetes") == (200, "ok\n")


async def test_one_that_is_killed_is_replaced_and_the_other_goes_on(two: Two):
    connections = await two.at_both()
    before = await two.counted("guildnet_proxy_requests_total")
    victim = two.children()[0]
    os.kill(victim, signal.SIGKILL)
    lost = []
    for name, (reader, writer) in connections.items():
        try:
            assert await two.again(reader, writer) == name
        except (asyncio.IncompleteReadError, ConnectionError):
            lost.append(name)
    assert len(lost) == 1, "who is at the other notices nothing"
    status, text = await two.told("/readyz")
    assert (status, "process 0" in text or "process 1" in text) == (503, True)
    await eventually(lambda: ready(two.ops), within=30)
    assert victim not in two.children()
    assert len(two.children()) == 2
    assert set(await two.at_both()) - set(connections), "the new one serves"
    assert await two.counted("guildnet_proxy_process_restarts_total") == 1
    assert await two.counted("guildnet_proxy_requests_total") > before, "what the dead one had counted stays counted"
    await asyncio.to_thread(two.process.stop)
    assert ended(two.process) == 0


async def test_a_stop_drains_both_and_ends_with_0(two: Two):
    sockets: list[ClientConnection] = [await two.websocket() for _ in range(12)]
    for socket in sockets:
        await socket.send("hello")
        assert await socket.recv() == "hello"
    assert await two.counted("guildnet_proxy_upgraded_connections") == 12
    slow = [asyncio.create_task(two.ask("/slow")) for _ in range(8)]
    await asyncio.sleep(0.3)
    began = asyncio.get_running_loop().time()
    os.kill(two.process.pid, signal.SIGTERM)
    assert [(await task).status for task in slow] == [200] * 8

    async def left(socket: ClientConnection) -> tuple[int | None, float]:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        return socket.close_code, asyncio.get_running_loop().time() - began

    ends: list[tuple[int | None, float]] = await asyncio.gather(*map(left, sockets))
    assert {code for code, _ in ends} == {1001}
    assert min(seconds for _, seconds in ends) > 1.5, "they live on until the last seconds"
    assert await asyncio.to_thread(ended, two.process) == 0
    lines = [json.loads(line) for line in two.process.log.read_text().splitlines()]
    assert Counter(line.get("event") for line in lines)["proxy stops"] == 2
    assert {line.get("process") for line in lines if line.get("event") == "proxy listens"} == {0, 1}


async def test_both_accept_from_the_sidecars_socket_and_one_writes_its_file(tmp_path: Path):
    async def status(_: web.Request) -> web.Response:
        return web.json_response({"BackendState": "Running", "Self": {"DNSName": "guildnet.tailtest.example."}})

    async def whois(_: web.Request) -> web.Response:
        user = {"LoginName": "ann@example.com", "DisplayName": "Ann"}
        return web.json_response({"Node": {"Name": "laptop.x."}, "UserProfile": user})

    app = web.Application()
    app.add_routes([web.get("/localapi/v0/status", status), web.get("/localapi/v0/whois", whois)])
    sidecar = web.AppRunner(app, access_log=None)
    await sidecar.setup()
    await web.UnixSite(sidecar, str(tmp_path / "tailscaled.sock")).start()
    listener = tmp_path / "tailnet.sock"
    given = {
        "TAILNET_SOCKET": str(listener),
        "TAILSCALED_SOCKET": str(tmp_path / "tailscaled.sock"),
        "SERVE_FILE": str(tmp_path / "serve.json"),
    }

    async def asked() -> str:
        reader, writer = await asyncio.open_unix_connection(str(listener))
        lines = [
            "GET / HTTP/1.1", "Host: localhost", "X-Forwarded-Host: guildnet.tailtest.example",
            "X-Forwarded-For: 100.64.0.7", "Tailscale-User-Login: ann@example.com", "Connection: close", "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        answer = await asyncio.wait_for(read_answer(reader), 10)
        writer.close()
        return who(answer)

    async with running(tmp_path, **given):
        assert listener.stat().st_mode & 0o777 == 0o660
        found: set[str] = set()

        async def both() -> bool:
            found.update(await asyncio.gather(*(asked() for _ in range(20))))
            return len(found) == 2

        await eventually(both)
        assert json.loads((tmp_path / "serve.json").read_text())["TCP"]["443"] == {"HTTPS": True}
    await sidecar.cleanup()


async def test_without_their_parent_they_end(two: Two):
    children = two.children()
    await asyncio.to_thread(lambda: two.process.stop(kill=True))
    await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), within=20)


async def test_bad_settings_end_it_with_2(tmp_path: Path):
    given = {
        "PROCESSES": "2",
        "LOCAL_ORIGIN": "http://guildnet.localhost:1",
        "IDENTITY_KEY_FILE": str(tmp_path / "none"),
        "OPS_PORT": str(free_port()),
        "LISTEN_LOCAL": f"127.0.0.1:{free_port()}",
    }
    process = Process([sys.executable, "-P", "-m", "guildnet_proxy"], tmp_path / "log", env=given)
    assert await asyncio.to_thread(ended, process) == 2


# ---- output ---------------------------------------------------------------------------------------------------------


def _write(descriptor: int, lock: Path, name: str) -> None:
    output = SharedOutput(descriptor, lock)
    for _ in range(60):
        output.write(json.dumps({"who": name, "path": LONG}) + "\n")
        output.write(json.dumps({"who": name, "path": "/"}) + "\n")
        output.flush()


def test_lines_of_several_processes_never_mix(tmp_path: Path) -> None:
    read, write = os.pipe()
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(write, tmp_path / "lock", name)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    os.close(write)
    with os.fdopen(read) as pipe:
        lines = [json.loads(line) for line in pipe]
    for writer in writers:
        writer.join(10)
    assert len(lines) == 3 * 120
    assert all(len(line["path"]) in {1, len(LONG)} for line in lines)


# ---- who is started again -------------------------------------------------------------------------------------------


def dies(status: int) -> Callable[[Share], list[str]]:
    return lambda _: [sys.executable, "-c", f"raise SystemExit({status})"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PAUSE_SECONDS", 0.0)


async def test_a_process_that_dies_as_soon_as_it_starts_ends_all(tmp_path: Path, short: None) -> None:
    ended: list[Share] = []
    it = Kept(Share(0, 2, tmp_path), ended.append, dies(1))
    with pytest.raises(Unreachable, match="Process 0 ended 3 times"):
        await it.run()
    assert len(ended) == kept.MAX_SOON
    assert await it.stop(1.0) == 0
    await it.ops.aclose()


async def test_a_process_that_had_a_life_is_started_again(
    tmp_path: Path, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SOON_SECONDS", 0.0)
    ended: list[Share] = []

    def told(share: Share) -> None:
        ended.append(share)
        if len(ended) == 5:
            it.leave()

    it = Kept(Share(0, 2, tmp_path), told, dies(1))
    await it.run()
    assert len(ended) == 5
    await it.ops.aclose()


async def test_bad_settings_end_all_at_once(tmp_path: Path) -> None:
    ended: list[Share] = []
    it = Kept(Share(0, 2, tmp_path), ended.append, dies(2))
    with pytest.raises(Invalid):
        await it.run()
    assert ended == []
    await it.ops.aclose()


async def test_a_process_that_says_nothing_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "ALIVE_SECONDS", 0.01)
    it = Kept(
        Share(0, 2, tmp_path), lambda _: it.leave(), lambda _: [sys.executable, "-c", "import time; time.sleep(60)"]
    )
    await it.run()
    assert it.process is not None
    assert it.process.returncode == -9
    await it.ops.aclose()


async def test_a_process_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    heard, said = os.pipe()
    os.set_inheritable(said, True)
    shell = f"import os; os.dup2({said}, 1); exec({deaf!r})"
    it = Kept(Share(0, 2, tmp_path, said), lambda _: None, lambda _: [sys.executable, "-c", shell])
    running = asyncio.create_task(it.run())
    await asyncio.to_thread(os.read, heard, 16)
    assert await it.stop(0.2) == -9
    await running
    await it.ops.aclose()
    os.close(heard)
    os.close(said)
