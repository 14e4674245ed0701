"""A real tailnet without certificates: tailscaled hands connections over, and its whois says whose each is."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from guildnet_local.build import programs
from guildnet_local.cluster import tailnet
from integration.proxy.test_direct_tailnet import FORGED, direct_proxy
from support.process import Process, free_port
from support.waiting import eventually

HOME = "127.0.0.1"


class Tailnet:
    """A coordination server without certificates, the proxy's node, and a device with a SOCKS5 port."""

    def __init__(self, directory: Path, found: dict[str, Path]) -> None:
        self.directory, self.programs, self.socks = directory, found, free_port()
        self.processes: list[Process] = []

    def socket(self, host: str) -> Path:
        return self.directory / host / "tailscaled.sock"

    def begin(self, name: str, argv: list[str], home: Path) -> None:
        self.processes.append(Process(argv, self.directory / f"{name}.log", env=tailnet.environment(home)))

    async def join(self, host: str, *arguments: str, tags: str = "") -> None:
        home, listening = self.directory / host, self.socket(host)
        home.mkdir()
        begin = [str(self.programs["tailscaled"]), "--tun=userspace-networking", f"--statedir={home}", "--port=0"]
        self.begin(host, [*begin, f"--socket={listening}", *arguments], home)
        await eventually(listening.exists, within=20)
        up = [
            str(self.programs["tailscale"]), f"--socket={listening}", "up", f"--hostname={host}", "--accept-dns=false",
            f"--login-server={tailnet.login_server(HOME)}", f"--auth-key=file:{self.directory / 'auth-key'}",
            "--timeout=60s", *([f"--advertise-tags={tags}"] if tags else []),
        ]  # fmt: skip
        await asyncio.to_thread(subprocess.run, up, env=tailnet.environment(home), check=True, capture_output=True)

    async def curl(self, url: str, *arguments: str, direct: bool = False) -> tuple[str, str]:
        """Body and status of a GET by the device; `direct` from where the proxy is."""
        way = [] if direct else ["--socks5-hostname", f"{HOME}:{self.socks}"]
        command = ["curl", "-sS", "-m", "20", "-w", "\n%{http_code}", *way, *arguments, url]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return body, status


@pytest.fixture
async def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tailnet]:
    assert shutil.which("curl")
    monkeypatch.setattr(tailnet, "CONTROL_PORT", free_port())
    made = Tailnet(tmp_path, programs.ensure(tailnet.PROGRAMS, report=lambda _: None))
    control = tailnet.processes(made.programs, tmp_path, HOME, roles=["admin"])[0]
    try:
        made.begin("control", control["argv"], tmp_path)
        await eventually(lambda: tailnet.is_ready("http", f"{tailnet.login_server(HOME)}/ready"), within=20)
        await made.join(tailnet.PROXY_HOSTNAME, tags=tailnet.PROXY_TAG)
        await made.join(tailnet.DEVICE_HOSTNAME, f"--socks5-server={HOME}:{made.socks}")
        yield made
    finally:
        for process in reversed(made.processes):
            await asyncio.to_thread(process.stop)


@pytest.mark.timeout(180)
async def test_a_device_reaches_the_proxy_over_plain_http_and_is_who_it_is(real: Tailnet, tmp_path: Path) -> None:
    socket = str(real.socket(tailnet.PROXY_HOSTNAME))
    async with direct_proxy(tmp_path, socket, tailnet_tls="none") as (proxy, port, own_port):
        door: Any = proxy.server.handler
        await eventually(lambda: door.sites.tailnet is not None, within=30)
        origin = f"http://{door.sites.tailnet.host}"
        claims = [word for claim in FORGED for word in ("-H", claim)]
        body, status = await real.curl(f"{origin}:{port}/api/me", *claims)
        login = tailnet.LOGINS[tailnet.DEVICE_HOSTNAME]
        assert (status, json.loads(body)["kind"], json.loads(body)["login"]) == ("200", "user", login)
        body, status = await real.curl(f"{origin}:{own_port}/x", *claims)
        seen = {key.lower(): value for key, value in json.loads(body)["headers"]}
        assert (status, seen["x-forwarded-for"].startswith("100.64.")) == ("200", True)
        named = ("-H", f"Host: {door.sites.tailnet.host}:{port}", *claims)
        assert await real.curl(f"http://{HOME}:{port}/api/me", *named, direct=True) == ("", "000")
