"""The test servers themselves: shared by all who ask, gone when nobody does, however they went."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from guildnet.kube.client import Client, connect
from guildnet.kube.resources import CONFIGMAPS, SECRETS, SERVICES, Resource, path
from support.apiserver import ApiServer
from support.faultproxy import FaultProxy
from support.redis import RedisServer
from support.waiting import eventually

HOLDER = """
import sys
from pathlib import Path
from support.shared import shared_apiserver
with shared_apiserver(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


def holder(directory: Path) -> subprocess.Popen[str]:
    """A process that uses the shared API server until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str], how: int | None = None) -> None:
    with process:
        if how is None:
            process.communicate("", timeout=30)
        else:
            process.send_signal(how)


def programs_of(directory: Path) -> list[str]:
    """Command lines of running processes that name this directory."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(directory) in line and "HOLDER" not in line and "shared_apiserver" not in line:
                lines.append(line)
    return lines


async def test_two_users_share_one_api_server_and_a_killed_one_takes_nothing_along(tmp_path: Path) -> None:
    directory = tmp_path / "shared"
    first = holder(directory)
    url = said(first)
    second = holder(directory)
    assert url.startswith("https://127.0.0.1:")
    assert said(second) == url
    end(first, signal.SIGKILL)
    assert len(programs_of(directory)) >= 3
    end(second, signal.SIGKILL)
    await eventually(lambda: not programs_of(directory), within=30)
    assert not (directory / "state.json").exists()
    assert not (directory / "work").exists()


def test_a_redis_of_the_tests_can_be_stopped_and_started_at_the_same_address(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    url = server.url
    assert server.command("SET", "a", "1") == b"+OK\r\n"
    pid = server.process.pid
    server.stop()
    assert server.command("PING") == b""
    assert not Path(f"/proc/{pid}").exists()
    server.start()
    assert (server.url, server.command("GET", "a")) == (url, b"$-1\r\n")
    server.stop()


def test_a_kubeconfig_of_the_tests_is_readable_by_its_owner_only(api_server: Any) -> None:
    assert api_server.kubeconfig.stat().st_mode & 0o077 == 0
    assert json.loads(api_server.kubeconfig.read_text())["current-context"] == "test"


async def test_a_proxy_of_the_tests_that_ends_leaves_no_connection_to_the_api_server(
    api_server: ApiServer, tmp_path: Path
) -> None:
    """A loop that ends before a TLS connection has said farewell leaves its socket to a test that comes later."""
    watched = (CONFIGMAPS, SECRETS, SERVICES)
    proxy, kubeconfig = FaultProxy(api_server), tmp_path / "kubeconfig"
    async with proxy.serve(kubeconfig), connect(str(kubeconfig)) as client:
        watches = [asyncio.create_task(listen(client, resource)) for resource in watched]
        await eventually(lambda: proxy.streams.open.total() == len(watched))
        assert transports_to(api_server), "the watches lead there"
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
    assert transports_to(api_server) == []


async def listen(client: Client, resource: Resource) -> None:
    """Hear all that a watch says until this is cancelled."""
    async with aclosing(client.stream(path(resource), {"watch": True})) as lines:
        async for _ in lines:
            pass


def transports_to(server: ApiServer) -> list[Any]:
    """The running loop's open transports to this API server, those that wait for its farewell included."""
    loop: Any = asyncio.get_running_loop()
    port = int(server.url.rpartition(":")[2])
    still = (item for item in list(loop._transports.values()) if not item.is_closing())
    return [item for item in still if item.get_extra_info("peername")[1] == port]
