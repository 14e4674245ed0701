"""Which proxies there are: how each is had and started. A peer that cannot be had is no failure.

guildnet runs with all it does in a cluster: identity from a signed session, gate, rewriting, metrics, access log. The
peers only forward, and write no log. It runs as it ships: the files of its image (`shipped`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from guildnet_local.build.pins import GO_RELEASE
from proofs import debian
from proofs.bench import cluster
from proofs.bench.peers import built, configurations, shipped
from proofs.bench.peers.room import INSTALL, Room, Running
from support import nginx
from support.process import free_port

OURS: Final = "guildnet"


@dataclass(frozen=True, slots=True)
class Proxy:
    """`had` makes it available and says its version, None where it cannot be had."""

    name: str
    had: Callable[[], str | None]
    start: Callable[[Room], Running]


def _ours() -> str:
    return f"{version('guildnet-proxy')}, {shipped.version()}"


def _guildnet(room: Room) -> Running:
    key = room.directory / "identity"
    key.write_text(room.key)
    settings = {
        "LISTEN_LOCAL": f"127.0.0.1:{room.port}",
        "LOCAL_ORIGIN": room.origin,
        "API_URL": f"http://127.0.0.1:{room.upstream_port}",
        "IDENTITY_KEY_FILE": str(shipped.FOLDER / key.name),
        "INSTALL_NAME": INSTALL,
        "K8S_NAMESPACE": cluster.NAMESPACE,
        "KUBECONFIG": str(shipped.FOLDER / room.kubeconfig.relative_to(room.directory)),
        "OPS_PORT": str(room.ops_port),
        "POD_NETWORKS": "127.0.0.0/8",
        # Idle sockets are measured by the thousand, all of them of one workspace and one user.
        "STREAMS_PER_WORKSPACE": "6000",
        "UPGRADES_PER_IDENTITY": "6000",
        "PYTHONPATH": "",
    }
    return room.start(
        OURS, room.port, shipped.command(room.directory, shipped.PYTHON, "-m", "guildnet_proxy"), settings
    )


def _nginx(room: Room) -> Running:
    port = free_port()
    http = configurations.NGINX_HTTP.format(port=port, upstream_port=room.upstream_port)
    argv = nginx.command(room.directory, main=configurations.NGINX_MAIN, connections=16384, http=http)
    return room.start("nginx", port, argv)


def _haproxy(room: Room) -> Running:
    port, path = free_port(), room.directory / "haproxy.cfg"
    path.write_text(configurations.HAPROXY.format(port=port, upstream_port=room.upstream_port))
    return room.start("haproxy", port, ["/usr/sbin/haproxy", "-db", "-f", path])


def _caddy(room: Room) -> Running:
    port, path = free_port(), room.directory / "Caddyfile"
    path.write_text(configurations.CADDY.format(port=port, upstream_port=room.upstream_port))
    home = {"XDG_DATA_HOME": str(room.directory / "caddy"), "XDG_CONFIG_HOME": str(room.directory / "caddy")}
    return room.start("caddy", port, ["caddy", "run", "--config", path, "--adapter", "caddyfile"], home)


def _chp(room: Room) -> Running:
    port = free_port()
    options = {
        "--ip": "127.0.0.1",
        "--port": port,
        "--api-ip": "127.0.0.1",
        "--api-port": free_port(),
        "--default-target": f"http://127.0.0.1:{room.upstream_port}",
        "--log-level": "error",
    }
    argv = [*built.chp(), *(str(part) for pair in options.items() for part in pair)]
    return room.start("chp", port, argv, {"CONFIGPROXY_AUTH_TOKEN": room.key, "NODE_ENV": "production"})


def _go(room: Room) -> Running:
    port = free_port()
    return room.start("go", port, [built.go(), str(port), str(room.upstream_port)])


def _aiohttp(room: Room) -> Running:
    """With the Python and the aiohttp of our image, that the engine alone is compared."""
    port = free_port()
    script = shutil.copy(Path(__file__).with_name("plain_proxy.py"), room.directory)
    # -P: the folder of the program is no place to import from.
    argv = (shipped.PYTHON, "-P", shipped.FOLDER / Path(script).name, str(port), str(room.upstream_port))
    return room.start("aiohttp", port, shipped.command(room.directory, *argv), {"PYTHONPATH": ""})


def _debian(need: str, *command: str) -> Callable[[], str | None]:
    """Installed from Debian where it is missing; the version is what `command` says."""

    def had() -> str | None:
        if shutil.which(command[0]) is None and not debian.installed(need):
            return None
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        found = re.search(r"\d+\.\d+[.\d]*", said.stdout + said.stderr)
        return found[0] if found else "?"

    return had


def _built(make: Callable[[], object], number: str) -> Callable[[], str | None]:
    def had() -> str | None:
        try:
            make()
        except built.UnavailableError as error:
            print(error, file=sys.stderr)
            return None
        return number

    return had


PROXIES: Final[Sequence[Proxy]] = (
    Proxy(OURS, _ours, _guildnet),
    Proxy("nginx", _debian("nginx", "/usr/sbin/nginx", "-v"), _nginx),
    Proxy("haproxy", _debian("haproxy", "/usr/sbin/haproxy", "-v"), _haproxy),
    Proxy("caddy", _debian("caddy", "caddy", "version"), _caddy),
    Proxy("go", _built(built.go, GO_RELEASE.removeprefix("go")), _go),
    Proxy("aiohttp", lambda: version("aiohttp"), _aiohttp),
    Proxy("chp", _built(built.chp, built.chp_version()), _chp),
)
"""In the order of their rounds."""


def versions(names: Iterable[str]) -> dict[str, str | None]:
    """The version of each that is named, None where it cannot be had."""
    wanted = set(names)
    return {proxy.name: proxy.had() for proxy in PROXIES if proxy.name in wanted}
