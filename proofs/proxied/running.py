"""The proxy's process as in a cluster, with identity, gate, rewriting and access log, and workspaces behind it."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from guildnet.identity import Identity
from guildnet.web.entries import Entry
from guildnet_proxy.auth.sessions import Session, Sessions
from proofs import PYTHON_PATH
from proofs.bench import cluster
from support.process import Process, free_port
from support.waiting import eventually

INSTALL = "guildnet"
_SESSION_SECONDS = 7200.0


@dataclass(frozen=True, slots=True)
class Proxy:
    """The running one; each workspace is called by its own origin."""

    port: int
    process: Process
    key: str
    placed: Mapping[str, cluster.Placed]

    @property
    def origin(self) -> str:
        return f"http://guildnet.localhost:{self.port}"

    def host(self, name: str) -> str:
        return f"{self.placed[name].label}.guildnet.localhost:{self.port}"

    def cookie(self, name: str) -> str:
        """The session that a browser has on the workspace's own origin."""
        sessions = Sessions(self.key.encode(), INSTALL)
        who = Identity("user", "ann@example.com", "Ann", (), (), "session", Entry("local", self.origin, "host"))
        session = Session(who, time.time() + _SESSION_SECONDS)
        return f"{sessions.names.workspace}={sessions.issue_workspace(session, self.placed[name].uid)}"


@asynccontextmanager
async def proxy(directory: Path, ports: Mapping[str, int]) -> AsyncIterator[Proxy]:
    """The proxy while the block runs; the workspaces' pods are at these ports of loopback."""
    placed = {name: cluster.Placed(name, port, number) for number, (name, port) in enumerate(ports.items(), start=1)}
    async with cluster.hosting(directory, list(placed.values())) as kubeconfig:
        port, ops, key = free_port(), free_port(), directory / "identity"
        key.write_text(secrets.token_hex(32))
        settings = {
            "PYTHONPATH": PYTHON_PATH,
            "LISTEN_LOCAL": f"127.0.0.1:{port}",
            "LOCAL_ORIGIN": f"http://guildnet.localhost:{port}",
            "API_URL": f"http://127.0.0.1:{next(iter(ports.values()))}",
            "IDENTITY_KEY_FILE": str(key),
            "INSTALL_NAME": INSTALL,
            "K8S_NAMESPACE": cluster.NAMESPACE,
            "KUBECONFIG": str(kubeconfig),
            "OPS_PORT": str(ops),
        }
        process = Process([sys.executable, "-P", "-m", "guildnet_proxy"], directory / "proxy.log", env=settings)
        try:
            await listening(process, port)
            await eventually(lambda: _ready(ops), within=20)
            yield Proxy(port, process, key.read_text(), placed)
        finally:
            await asyncio.to_thread(process.stop)


async def listening(process: Process, port: int) -> None:
    """Returns when the process takes connections. Raises AssertionError with what it said where it does not."""

    async def listens() -> bool:
        assert process.running, process.tail()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(listens, within=20)


async def _ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n")
    said = await reader.readline()
    writer.close()
    return said.startswith(b"HTTP/1.1 200 ")
