"""The real servers behind the proxy: started on loopback, asked what they saw.

nginx, Apache and HAProxy hand every request they took on to an origin (aiohttp) of their own, which tells what they
made of it; what they refuse themselves stands in their access log alone. Node.js, uvicorn and aiohttp tell it
themselves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guildnet_local.images import node
from proofs import PYTHON_PATH, debian
from support import nginx
from support.process import Process, free_port, listening

_APPS = Path(__file__).with_name("servers")
_NGINX = """\
  log_format line '$status $request';
  server {{
    listen 127.0.0.1:{port};
    access_log {log} line;
    keepalive_timeout 120;
    large_client_header_buffers 8 64k;
    client_max_body_size 0;
    location / {{
      proxy_pass http://127.0.0.1:{origin};
      proxy_http_version 1.1;
      proxy_buffer_size 128k;
      proxy_buffers 8 128k;
      proxy_busy_buffers_size 256k;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }}
  }}"""
_APACHE = """\
ServerRoot {directory}
ServerName behind
PidFile {directory}/apache.pid
DefaultRuntimeDir {directory}
ErrorLog {directory}/apache-errors
Listen 127.0.0.1:{port}
{modules}
User www-data
Group www-data
KeepAliveTimeout 120
MaxKeepAliveRequests 0
LimitRequestFieldSize 65536
LimitRequestLine 65536
AllowEncodedSlashes NoDecode
MergeSlashes Off
LogFormat "%>s %r" line
CustomLog {log} line
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:{origin}/ nocanon
"""
_HAPROXY = """\
global
  log stdout format raw local0
  tune.bufsize 131072
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 60s
  timeout http-keep-alive 120s
  log global
  log-format "line %ST %HM %HU"
frontend front
  bind 127.0.0.1:{port}
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin}
"""


def install() -> None:
    """The Debian packages these need."""
    for need in ("nginx", "apache", "haproxy"):
        debian.install(need)


@dataclass
class Behind:
    """One running server, and all that it told so far."""

    name: str
    port: int
    process: Process
    log: Path
    access: Path | None = None
    counted: list[dict[str, Any]] = field(default_factory=list)
    _read: dict[Path, int] = field(default_factory=dict)

    def _new(self, file: Path) -> list[str]:
        """The lines that are whole by now and were not given before."""
        if not file.exists():
            return []
        with file.open("rb") as opened:
            opened.seek(self._read.get(file, 0))
            data, end, _ = opened.read().rpartition(b"\n")
        self._read[file] = self._read.get(file, 0) + len(data) + len(end)
        return data.decode(errors="surrogateescape").split("\n") if end else []

    def seen(self) -> list[dict[str, Any]]:
        """What came since it was asked last: requests understood whole, and `{"refused": …}` for what a server of
        Python or Node.js refused itself."""
        new = [json.loads(line) for line in self._new(self.log)]
        self.counted += new
        return new

    def hands_on(self, target: str) -> str:
        """The target as its origin gets it: Apache's proxy makes one slash of those in front."""
        return "/" + target.lstrip("/") if self.name == "apache" else target

    def logged(self) -> list[str]:
        """Lines of the access log of a server that forwards: one for a request, refused or not."""
        return [] if self.access is None else [line for line in self._new(self.access) if _is_request(line)]


def _is_request(line: str) -> bool:
    """HAProxy's log has its own remarks besides."""
    return line.removeprefix("line ")[:3].isdigit() or line.startswith("line -1")


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[list[Behind]]:
    """All of them while the block runs."""
    async with AsyncExitStack() as stack:
        made = []
        for name, start in _STARTS.items():
            room = directory / name
            room.mkdir()
            room.chmod(0o755)
            made.append(start(room, name))
            stack.callback(made[-1].process.stop)
        for behind in made:
            await listening(behind.process, behind.port)
        yield made


def _app(room: Path, name: str, *argv: str) -> Behind:
    port, log = free_port(), room / "seen"
    process = Process([*argv, str(port), str(log)], room / "said", env={"PYTHONPATH": PYTHON_PATH})
    return Behind(name, port, process, log)


def _python(module: str) -> Callable[[Path, str], Behind]:
    return lambda room, name: _app(room, name, sys.executable, "-P", "-m", f"proofs.vectors.servers.{module}")


def _node(room: Path, name: str) -> Behind:
    return _app(room, name, str(node.directory() / "bin" / "node"), str(_APPS / "node_app.js"))


def _nginx(room: Path, origin: int, port: int, log: Path) -> list[str]:
    http = _NGINX.format(port=port, log=log, origin=origin)
    return nginx.command(room, main="master_process off;", connections=256, http=http)


def _apache(room: Path, origin: int, port: int, log: Path) -> list[str]:
    names = ("mpm_event", "authz_core", "proxy", "proxy_http")
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in names)
    configuration = room / "apache.conf"
    configuration.write_text(_APACHE.format(directory=room, port=port, log=log, origin=origin, modules=modules))
    return ["/usr/sbin/apache2", "-f", str(configuration), "-D", "FOREGROUND"]


def _haproxy(room: Path, origin: int, port: int, log: Path) -> list[str]:
    configuration = room / "haproxy.cfg"
    configuration.write_text(_HAPROXY.format(port=port, origin=origin))
    return ["/usr/sbin/haproxy", "-db", "-f", str(configuration)]


def _forwarding(
    command: Callable[[Path, int, int, Path], list[str]], *, logs_to_stdout: bool = False
) -> Callable[[Path, str], Behind]:
    """A server that forwards, with an origin of its own that ends with it."""

    def start(room: Path, name: str) -> Behind:
        origin = _python("aiohttp_app")(room, f"{name}-origin")
        port, said = free_port(), room / "front"
        access = said if logs_to_stdout else room / "access"
        process = _Pair(command(room, origin.port, port, access), said, origin.process)
        return Behind(name, port, process, origin.log, access)

    return start


class _Pair(Process):
    """A server and the origin behind it."""

    def __init__(self, argv: list[str], log: Path, origin: Process) -> None:
        super().__init__(argv, log)
        self._origin = origin

    def stop(self, *, kill: bool = False, within: float = 10.0) -> None:
        super().stop(kill=kill, within=within)
        self._origin.stop(kill=kill, within=within)


_STARTS: dict[str, Callable[[Path, str], Behind]] = {
    "nginx": _forwarding(_nginx),
    "apache": _forwarding(_apache),
    "haproxy": _forwarding(_haproxy, logs_to_stdout=True),
    "node": _node,
    "uvicorn": _python("uvicorn_app"),
    "aiohttp": _python("aiohttp_app"),
}
NAMES = tuple(_STARTS)
