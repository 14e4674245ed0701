"""How each proxy is started, on a core of its own, and what it needs: guildnet, nginx, the aiohttp baseline.

guildnet runs with all it does in a cluster: identity from a signed session, gate, rewriting, metrics, access log. The
peers only forward, and nginx writes no log.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from guildnet.identity import Identity
from guildnet.web.entries import Entry
from guildnet_proxy.auth.sessions import Session, Sessions
from support.nginx import command, program
from support.process import Process, free_port

from . import cluster

INSTALL = "guildnet"
_SESSION_SECONDS = 3600.0
_NGINX_MAIN = """\
# One process to account for, and to end.
master_process off;"""
_NGINX_HTTP = """\
  upstream workspace {{
    server 127.0.0.1:{upstream_port};
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://workspace;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}"""


@dataclass(frozen=True, slots=True)
class Room:
    """What every proxy is started with; `port` is guildnet's, whose name all of them are asked by."""

    directory: Path
    core: int
    upstream_port: int
    kubeconfig: Path
    key: str
    port: int

    @property
    def origin(self) -> str:
        return f"http://guildnet.localhost:{self.port}"

    @property
    def host(self) -> str:
        return f"{cluster.LABEL}.guildnet.localhost:{self.port}"

    @property
    def cookie(self) -> str:
        """The session a browser gets on a workspace's own origin."""
        sessions = Sessions(self.key.encode(), INSTALL)
        who = Identity("user", "ann@example.com", "Ann", (), (), "session", Entry("local", self.origin, "host"))
        value = sessions.issue_workspace(Session(who, time.time() + _SESSION_SECONDS), cluster.UID)
        return f"{sessions.names.workspace}={value}"


@dataclass(frozen=True, slots=True)
class Running:
    name: str
    port: int
    process: Process


def make_room(directory: Path, core: int, upstream_port: int, kubeconfig: Path) -> Room:
    return Room(directory, core, upstream_port, kubeconfig, secrets.token_hex(32), free_port())


def guildnet(room: Room) -> Running:
    key = room.directory / "identity"
    key.write_text(room.key)
    settings = {
        "LISTEN_LOCAL": f"127.0.0.1:{room.port}",
        "LOCAL_ORIGIN": room.origin,
        "API_URL": f"http://127.0.0.1:{room.upstream_port}",
        "IDENTITY_KEY_FILE": str(key),
        "INSTALL_NAME": INSTALL,
        "K8S_NAMESPACE": cluster.NAMESPACE,
        "KUBECONFIG": str(room.kubeconfig),
        "OPS_PORT": str(free_port()),
    }
    return _start(room, "guildnet", room.port, [sys.executable, "-m", "guildnet_proxy"], settings)


def nginx(room: Room) -> Running:
    port = free_port()
    http = _NGINX_HTTP.format(port=port, upstream_port=room.upstream_port)
    argv = command(room.directory, main=_NGINX_MAIN, connections=1024, http=http)
    return _start(room, "nginx", port, argv, {})


def plain(room: Room) -> Running:
    port = free_port()
    script = Path(__file__).with_name("plain_proxy.py")
    # -P: the folder of the program is no place to import from.
    return _start(room, "aiohttp", port, [sys.executable, "-P", str(script), str(port), str(room.upstream_port)], {})


STARTS: dict[str, Callable[[Room], Running]] = {"guildnet": guildnet, "nginx": nginx, "aiohttp": plain}
"""In the order of their rounds."""


def versions() -> dict[str, str | None]:
    """Each proxy's version, None where it is not installed."""
    return {"guildnet": version("guildnet-proxy"), "nginx": _nginx_version(), "aiohttp": version("aiohttp")}


def _start(room: Room, name: str, port: int, argv: list[str], settings: dict[str, str]) -> Running:
    pinned = ["taskset", "--cpu-list", str(room.core), *argv]
    return Running(name, port, Process(pinned, room.directory / f"{name}.log", env=settings))


def _nginx_version() -> str | None:
    found = program()
    if found is None:
        return None
    said = subprocess.run([found, "-v"], capture_output=True, text=True, check=True, timeout=10)
    return said.stderr.strip().rpartition("/")[2]
