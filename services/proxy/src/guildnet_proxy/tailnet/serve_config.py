"""The file by which the sidecar's `tailscale serve` sends tailnet ports to the proxy's private socket.

One HTTPS port for the control origin, one per workspace origin, all to the same unix socket under the node's one
certificate name. A half-written file kills the sidecar's supervisor, so it is written aside and renamed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from guildnet.telemetry import logger
from guildnet_proxy.tailnet.localapi import ROLE_CAPABILITY

CONTROL_PORT = 443


class ServeFile:
    """The ports that the sidecar serves, by the file at `path`; all go to the unix socket."""

    leads_alone = True

    def __init__(self, path: Path, socket_path: str) -> None:
        self._path = path
        self._socket_path = socket_path

    def kept(self) -> bool:
        try:
            return "TCP" in self._path.read_text()
        except OSError:
            return False

    async def keep(self, ports: Iterable[int]) -> None:
        wanted = set(ports)
        if write(self._path, render(wanted, self._socket_path)):
            logger.info("serve file written", ports=len(wanted))


def render(ports: Iterable[int], socket_path: str) -> str:
    """The serve file for these workspace ports and the control origin's; the sidecar fills in `${TS_CERT_DOMAIN}`."""
    every = sorted({CONTROL_PORT, *ports})
    handler = {"Proxy": f"unix:{socket_path}", "AcceptAppCaps": [ROLE_CAPABILITY]}
    return json.dumps(
        {
            "TCP": {str(port): {"HTTPS": True} for port in every},
            "Web": {f"${{TS_CERT_DOMAIN}}:{port}": {"Handlers": {"/": handler}} for port in every},
        },
        separators=(",", ":"),
    )


def write(path: Path, text: str) -> bool:
    """Puts `text` in place atomically; False when it was there already."""
    try:
        if path.read_text() == text:
            return False
    except OSError:
        pass
    aside = path.with_name(f".{path.name}.new")
    with aside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return True
