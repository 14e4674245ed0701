"""Where the local cluster keeps things and which addresses it has: one frozen value, made once from the environment.

Nothing here touches the machine. Refuses ports that are not numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Changes when a running cluster could not be taken over by this program: other addresses, paths or namespaces.
LAYOUT = "2"

NAME = "guildnet"
NODE_NAME = "guildnet"
NODE_IP = "10.123.0.1"
NODE_NET = "10.123.0.0/24"
POD_NET = "10.124.0.0/16"
NODE_POD_NET = "10.124.0.0/24"
SERVICE_NET = "10.96.0.0/16"
KUBERNETES_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
FRONT_DOOR_IP = "10.96.0.80"
CLUSTER_DOMAIN = "cluster.local"
API_PORT = 6443
SOCKS_PORT = 1055

RELEASE = "guildnet"
RELEASE_NAMESPACE = "guildnet"
WORKSPACE_NAMESPACE = "guildnet-workspaces"
ADMIN_ACCOUNT = "guildnet-admin"
TOKEN_AUDIENCE = "guildnet"  # noqa: S105  the audience of tokens, not a token


class LocalError(Exception):
    """Something a person has to know or do; the text says what, and what to do next."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The relays' ports on 127.0.0.1."""

    api: int
    front: int
    socks: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths, ports and switches of the one local cluster of this machine."""

    checkout: Path
    cache: Path
    ports: Ports
    audit: bool = False
    # Where containerd keeps images: `memory`, `disk`, or empty for memory where there is plenty.
    image_store: str = ""
    # When `make up` was typed, in seconds since 1970, and whether compilers have been at work since then.
    began: float | None = None
    compiles_ahead: bool = False
    state: Path = Path("/var/lib/guildnet-local")
    run: Path = Path("/run/guildnet-local")
    lock: Path = Path("/run/lock/guildnet-local.lock")

    @property
    def journal(self) -> Path:
        return self.state / "journal.jsonl"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def registries(self) -> Path:
        """Where containerd looks how a registry is reached, at each pull: HOST/hosts.toml."""
        return self.config / "registries"

    @property
    def processes(self) -> Path:
        return self.state / "processes"

    @property
    def tailnet(self) -> Path:
        return self.state / "tailnet"

    @property
    def volumes(self) -> Path:
        """Where the volumes of workspaces are on the node."""
        return self.state / "volumes"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "admin.kubeconfig"

    @property
    def netns(self) -> Path:
        # Not in /run/netns: the first `ip netns add` of anybody mounts that over itself and covers what is there.
        return self.run / "namespaces" / "net"

    @property
    def mount_namespace(self) -> Path:
        return self.run / "namespaces" / "mnt"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd" / "containerd.sock"

    @property
    def audit_log(self) -> Path:
        return self.state / "audit" / "audit.log"

    @property
    def chart(self) -> Path:
        return self.checkout / "charts" / "guildnet"

    @property
    def times(self) -> Path:
        return self.cache / "times" / "up.jsonl"

    @property
    def api_url(self) -> str:
        return f"https://127.0.0.1:{self.ports.api}"

    @property
    def origin(self) -> str:
        """The control origin of the local entry."""
        port = "" if self.ports.front == 80 else f":{self.ports.front}"
        return f"http://guildnet.localhost{port}"


NO_CLUSTER = 3
"""Exit status of `status` where nothing is there, not even a part: what an `up` makes then is the caller's."""
# Set by the Makefile and by `prepare`, not by people.
BEGAN = "GUILDNET_STARTED"
COMPILES_AHEAD = "GUILDNET_COMPILES_AHEAD"
PORT_VARIABLES = {"api": "GUILDNET_API_PORT", "front": "GUILDNET_PORT", "socks": "GUILDNET_SOCKS_PORT"}
_DEFAULT_PORTS = {"api": 16443, "front": 8080, "socks": 1055}


def _port(environ: Mapping[str, str], which: str) -> int:
    variable = PORT_VARIABLES[which]
    text = environ.get(variable) or str(_DEFAULT_PORTS[which])
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise LocalError(f"{variable} is {text!r}: it has to be a port number from 1 to 65535")
    return int(text)


def _began(environ: Mapping[str, str]) -> float | None:
    text = environ.get(BEGAN, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise LocalError(f"{BEGAN} is {text!r}: it has to be a number of seconds since 1970") from None


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where builds and the times of past runs are kept; a relative XDG_CACHE_HOME is ignored, as XDG says."""
    named = environ.get("XDG_CACHE_HOME", "")
    root = Path(named) if named.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".cache"
    return root / "guildnet"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings as the environment has them. Raises LocalError naming the variable that is wrong."""
    ports = Ports(*(_port(environ, which) for which in ("api", "front", "socks")))
    store = environ.get("GUILDNET_IMAGE_STORE", "")
    if store not in ("", "memory", "disk"):
        raise LocalError(f"GUILDNET_IMAGE_STORE is {store!r}: it has to be `memory` or `disk`")
    if len({ports.api, ports.front, ports.socks}) < 3:
        raise LocalError(f"{', '.join(PORT_VARIABLES.values())} have to be three different ports")
    return Settings(
        checkout=Path(__file__).resolve().parents[3],
        cache=cache_directory(environ),
        ports=ports,
        audit=environ.get("GUILDNET_AUDIT", "") not in ("", "0"),
        image_store=store,
        began=_began(environ),
        compiles_ahead=bool(environ.get(COMPILES_AHEAD)),
    )
