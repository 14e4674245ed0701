"""The proxy's process as in a cluster, with identity, gate, rewriting and access log, and workspaces behind it."""

from __future__ import annotations

import asyncio
import contextlib
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
from support.process import Process, free_port, listening
from support.waiting import eventually

INSTALL = "guildnet"
_SESSION_SECONDS = 7200.0


@dataclass(frozen=True, slots=True)
class Site:
    """What browsers know: each workspace is called by its own origin, all of them at one port."""

    port: int
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


@dataclass(frozen=True, slots=True)
class Proxy(Site):
    """The running one."""

    process: Process


@dataclass(frozen=True, slots=True)
class Install:
    """What all proxies of one install are given."""

    site: Site
    kubeconfig: Path
    key_file: Path
    api_port: int

    def start(self, log: Path, port: int, ops: int, **settings: str) -> Process:
        """One proxy at these ports of loopback; its listener need not be at the site's port."""
        given = {
            "PYTHONPATH": PYTHON_PATH,
            "LISTEN_LOCAL": f"127.0.0.1:{port}",
            "LOCAL_ORIGIN": self.site.origin,
            "API_URL": f"http://127.0.0.1:{self.api_port}",
            "IDENTITY_KEY_FILE": str(self.key_file),
            "INSTALL_NAME": INSTALL,
            "K8S_NAMESPACE": cluster.NAMESPACE,
            "KUBECONFIG": str(self.kubeconfig),
            "OPS_PORT": str(ops),
            "POD_NETWORKS": "127.0.0.0/8",
            **settings,
        }
        return Process([sys.executable, "-P", "-m", "guildnet_proxy"], log, env=given)


@asynccontextmanager
async def install(directory: Path, ports: Mapping[str, int]) -> AsyncIterator[Install]:
    """An install without a proxy while the block runs; the workspaces' pods are at these ports of loopback."""
    placed = {name: cluster.Placed(name, port, number) for number, (name, port) in enumerate(ports.items(), start=1)}
    async with cluster.hosting(directory, list(placed.values())) as kubeconfig:
        key_file = directory / "identity"
        key_file.write_text(secrets.token_hex(32))
        yield Install(Site(free_port(), key_file.read_text(), placed), kubeconfig, key_file, next(iter(ports.values())))


@asynccontextmanager
async def proxy(directory: Path, ports: Mapping[str, int]) -> AsyncIterator[Proxy]:
    """The proxy while the block runs; the workspaces' pods are at these ports of loopback."""
    async with install(directory, ports) as installed:
        site, ops = installed.site, free_port()
        process = installed.start(directory / "proxy.log", site.port, ops)
        try:
            await listening(process, site.port)
            await eventually(lambda: ready(ops), within=20)
            yield Proxy(site.port, site.key, site.placed, process)
        finally:
            await asyncio.to_thread(process.stop)


async def ready(port: int) -> bool:
    """What `/readyz` at this port says; no where nothing answers within a second."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n")
                return (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    except (OSError, TimeoutError):
        return False
