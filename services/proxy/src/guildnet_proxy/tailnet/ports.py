"""Which way the ports of the tailnet are opened, by the settings."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from guildnet_proxy.http.server import Server
from guildnet_proxy.settings import Settings
from guildnet_proxy.tailnet.certificate import Certificate
from guildnet_proxy.tailnet.direct import DirectListeners
from guildnet_proxy.tailnet.localapi import LocalApi
from guildnet_proxy.tailnet.node import Ports
from guildnet_proxy.tailnet.serve_config import ServeFile


def ports_of(
    settings: Settings, server: Server[Any], local_api: LocalApi, tasks: list[asyncio.Task[None]], *, shared: bool
) -> Ports:
    """What opens the ports of the tailnet: the sidecar by its serve file, or the proxy itself."""
    if settings.tailnet_tls == "serve":
        return ServeFile(Path(settings.serve_file), settings.tailnet_socket)
    tls = None
    if settings.tailnet_tls == "own":
        certificate = Certificate(Path(settings.tailnet_certificate))
        tasks.append(asyncio.create_task(certificate.run(), name="tailnet certificate"))
        tls = certificate.context
    return DirectListeners(server, local_api.device_at, tls, shared=shared)
