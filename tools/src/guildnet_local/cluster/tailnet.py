"""The test tailnet of the local cluster: its coordination server, its certificate authority, and a second device.

Values only: what is to be run and how to tell that it is ready; `bootstrap` runs it inside the cluster's network
namespace. All addresses are the node's own there, so nothing of it can be reached from outside the machine. It knows
nothing of the cluster: the chart's part of the tailnet is in the values it returns.

    python -m guildnet_local.cluster.tailnet ready http URL | tls IP:PORT ROOT | socket PATH
"""

import json
import os
import secrets
import socket
import ssl
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

PROGRAMS = ("control-server", "acme-server", "tailscaled", "tailscale")

DOMAIN = "tailtest.example"
PROXY_HOSTNAME = "guildnet"
PROXY_TAG = "tag:guildnet"
DEVICE_HOSTNAME = "laptop"
# Whom a device belongs to, by its host name: `laptop` is the second device, the others are there for tests to add.
LOGINS: Mapping[str, str] = {
    DEVICE_HOSTNAME: "alice@example.com",
    "phone": "alice@example.com",
    "tablet": "bob@example.com",
}
# App capability that gives roles through the tailnet, as a grant in a real tailnet's policy would.
ROLE_CAPABILITY = "guildnet.io/cap/role"

CONTROL_PORT = 9911
ACME_PORT = 14000
SOCKS_PORT = 1055

_READY_SECONDS = 5.0


class ProcessSpec(TypedDict):
    """One program of the tailnet.

    `env` is its whole environment. `ready_check` is a command for the same namespace that exits 0 once the program
    serves. `once` is true for a step that ends by itself, with 0 when it worked, and may be repeated.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    ready_check: list[str]
    once: bool


def login_server(node_ip: str) -> str:
    """The address that `tailscale up --login-server` wants."""
    return f"http://{node_ip}:{CONTROL_PORT}"


def acme_directory(node_ip: str) -> str:
    """The ACME directory that tailscaled asks for its certificates (TS_DEBUG_ACME_DIRECTORY_URL)."""
    return f"https://{node_ip}:{ACME_PORT}/dir"


def url() -> str:
    """The proxy's address on the tailnet."""
    return f"https://{PROXY_HOSTNAME}.{DOMAIN}/"


def root_certificate(state_dir: Path) -> Path:
    """The one certificate to trust: it vouches for the ACME endpoint and for everything issued there."""
    return state_dir / "acme" / "root.pem"


def auth_key(state_dir: Path) -> str:
    """The key that nodes join with; made at the first call, then kept."""
    path = state_dir / "auth-key"
    if not path.exists():
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = path.with_suffix(".new")
        aside.touch(mode=0o600)
        aside.write_text(f"tskey-auth-{secrets.token_hex(16)}\n")
        aside.rename(path)
    return path.read_text().strip()


def processes(
    programs: Mapping[str, Path], state_dir: Path, node_ip: str, *, roles: Sequence[str] = ()
) -> list[ProcessSpec]:
    """What makes the tailnet, in starting order: each is to be ready before the next is started.

    `roles` are granted to every device through the app capability. Makes the state directory and the auth key.
    """
    auth_key(state_dir)
    control, acme = state_dir / "control", state_dir / "acme"
    granted = json.dumps([{"role": role} for role in roles])
    grants = [f"--capability={ROLE_CAPABILITY}={granted}"] if roles else []
    return [
        {
            "name": "control-server",
            "argv": [
                str(programs["control-server"]),
                f"--listen={node_ip}:{CONTROL_PORT}",
                f"--domain={DOMAIN}",
                f"--auth-key-file={state_dir / 'auth-key'}",
                f"--state={control}",
                f"--tag-owner={PROXY_TAG}={PROXY_TAG}",
                *(f"--user={hostname}={login}" for hostname, login in LOGINS.items()),
                *grants,
            ],
            "env": environment(state_dir),
            "ready_check": ready_check("http", f"{login_server(node_ip)}/ready"),
            "once": False,
        },
        {
            "name": "acme-server",
            "argv": [str(programs["acme-server"]), f"--listen={node_ip}:{ACME_PORT}", f"--state={acme}"],
            "env": environment(state_dir),
            "ready_check": ready_check("tls", f"{node_ip}:{ACME_PORT}", str(root_certificate(state_dir))),
            "once": False,
        },
        *device(programs, state_dir, node_ip),
    ]


def device(
    programs: Mapping[str, Path],
    state_dir: Path,
    node_ip: str,
    *,
    hostname: str = DEVICE_HOSTNAME,
    socks_port: int = SOCKS_PORT,
) -> list[ProcessSpec]:
    """A device to browse from: tailscaled in user space with a SOCKS5 listener, then its one-time login.

    Names resolve at the far end, so a browser has to hand names to the SOCKS5 port, not addresses.
    """
    directory = state_dir / hostname
    listening = directory / "tailscaled.sock"
    return [
        {
            "name": f"tailscaled-{hostname}",
            "argv": [
                str(programs["tailscaled"]),
                "--tun=userspace-networking",
                f"--socks5-server={node_ip}:{socks_port}",
                f"--statedir={directory}",
                f"--socket={listening}",
                "--port=0",
            ],
            "env": environment(directory),
            "ready_check": ready_check("socket", str(listening)),
            "once": False,
        },
        {
            "name": f"tailscale-up-{hostname}",
            "argv": [
                str(programs["tailscale"]),
                f"--socket={listening}",
                "up",
                f"--login-server={login_server(node_ip)}",
                f"--auth-key=file:{state_dir / 'auth-key'}",
                f"--hostname={hostname}",
                "--accept-dns=false",
                "--timeout=60s",
            ],
            "env": environment(directory),
            "ready_check": [str(programs["tailscale"]), f"--socket={listening}", "status"],
            "once": True,
        },
    ]


def environment(home: Path) -> dict[str, str]:
    """The whole environment of a tailnet program: no uploads of logs, nothing of the caller's shell."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "TS_NO_LOGS_NO_SUPPORT": "true"}


def sidecar_environment(node_ip: str) -> dict[str, str]:
    """What the proxy's sidecar needs besides the chart's own settings: where certificates come from; no log uploads."""
    return {"TS_DEBUG_ACME_DIRECTORY_URL": acme_directory(node_ip), "TS_NO_LOGS_NO_SUPPORT": "true"}


def helm_values(state_dir: Path, node_ip: str) -> dict[str, Any]:
    """The chart's values that join the proxy to this tailnet.

    The certificate authority must have run once: raises FileNotFoundError when its root is not there yet.
    """
    extra = [{"name": name, "value": value} for name, value in sidecar_environment(node_ip).items()]
    return {
        "tailnet": {
            "enabled": True,
            "hostname": PROXY_HOSTNAME,
            "loginServer": login_server(node_ip),
            "authKey": {"value": auth_key(state_dir)},
            "tags": [PROXY_TAG],
            "extraEnv": extra,
            "caBundle": root_certificate(state_dir).read_text(),
        }
    }


def browse(state_dir: Path, socks: str = f"127.0.0.1:{SOCKS_PORT}") -> dict[str, str]:
    """How to browse from the second device: SOCKS5 address, where to go, who one is there, which authority to trust."""
    return {
        "socks5": socks,
        "url": url(),
        "login": LOGINS[DEVICE_HOSTNAME],
        "ca": str(root_certificate(state_dir)),
    }


def ready_check(kind: str, *arguments: str) -> list[str]:
    """The command that exits 0 when something listens; it runs this module."""
    return [sys.executable, "-m", "guildnet_local.cluster.tailnet", "ready", kind, *arguments]


def is_ready(kind: str, *arguments: str) -> bool:
    """Whether an `http` URL answers 200, a `tls` address proves itself by the given root, a `socket` path accepts."""
    try:
        if kind == "http":
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(arguments[0], timeout=_READY_SECONDS) as answer:
                return bool(answer.status == 200)
        if kind == "tls":
            host, port = arguments[0].rsplit(":", 1)
            trust = ssl.create_default_context(cafile=arguments[1])
            with (
                socket.create_connection((host, int(port)), _READY_SECONDS) as plain,
                trust.wrap_socket(plain, server_hostname=host),
            ):
                return True
        with socket.socket(socket.AF_UNIX) as local:
            local.settimeout(_READY_SECONDS)
            local.connect(arguments[0])
            return True
    except OSError:
        return False


def main(arguments: Sequence[str]) -> int:
    """`ready KIND ARGUMENT…`: exit 0 when ready, 1 when not, 2 when asked for anything else."""
    wanted = {"http": 3, "tls": 4, "socket": 3}
    if len(arguments) < 2 or arguments[0] != "ready" or wanted.get(arguments[1]) != len(arguments):
        print(__doc__, file=sys.stderr)
        return os.EX_USAGE
    return 0 if is_ready(*arguments[1:]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
