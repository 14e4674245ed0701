"""The ways to an app: straight to its pod, through the proxy, over the tailnet and through sidecar and proxy.

The first two reach the cluster's network by the same relay of this machine, so what is between them is the proxy.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext

from guildnet.workspace import app_login
from guildnet_local.machine.relay import Route
from guildnet_local.settings import load
from proofs import PYTHON_PATH
from proofs.apps import told_of
from support.local import Local
from support.process import Process, free_port
from support.waiting import until

STRAIGHT: Final = "straight"
PROXY: Final = "proxy"
TAILNET: Final = "tailnet"


@dataclass(frozen=True, slots=True)
class Straight:
    """An app's own address, and what the proxy would add to a request for it: who has neither is not let in."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(local: Local, name: str, port: int) -> Straight:
        """At this port of loopback, by the words of the workspace's Secret."""
        words = local.get("secret", app_login.secret_name(name))["data"]
        told = {key: base64.b64decode(value).decode() for key, value in words.items()}
        token, password = told.get(app_login.TOKEN_KEY), told.get(app_login.PASSWORD_KEY, "")
        return Straight(
            f"http://127.0.0.1:{port}",
            {app_login.TOKEN_HEADER: token} if token else {},
            {app_login.SESSION_COOKIE: hashlib.sha256(password.encode()).hexdigest()} if password else {},
        )


@dataclass(frozen=True, slots=True)
class Way:
    """How a browser gets to an app: its context's options, the page that logs in, the control origin to ask there."""

    name: str
    context: dict[str, Any] = field(default_factory=dict)
    login: str = ""
    control: str = ""

    def url(self, context: BrowserContext, app: str, straight: Straight) -> str:
        """Where the app is for a browser that is let in from here on."""
        if not self.control:
            context.set_extra_http_headers(straight.headers)
            context.add_cookies([{"name": k, "value": v, "url": straight.url} for k, v in straight.cookies.items()])
            return straight.url
        page = context.new_page()
        page.goto(self.login)
        told = told_of(page, app)
        page.close()
        return str(told["url"]).rstrip("/")


def ways(local: Local) -> Sequence[Way]:
    device = {"proxy": {"server": f"socks5://{local.tailnet.socks5}"}}
    control = local.tailnet.url.rstrip("/")
    return (
        Way(STRAIGHT),
        Way(PROXY, login=local.login_url, control=local.origin),
        Way(TAILNET, device, login=f"{control}/", control=control),
    )


@contextmanager
def relayed(addresses: Sequence[str], port: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ports of loopback that lead to these ports of these pods while the block runs."""
    settings = load(os.environ)
    here = [free_port() for _ in addresses]
    routes = [Route(*item) for item in zip(here, addresses, port, strict=True)]
    command = (sys.executable, "-m", "guildnet_local.machine.relay", str(settings.netns), *map(str, routes))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        relay = Process(command, directory / "relay", env={"PYTHONPATH": PYTHON_PATH})
        stack.callback(relay.stop)
        until(lambda: relay.running and _listens(here), "the relay listens", seconds=10)
        yield here


def _listens(ports: Sequence[int]) -> bool:
    """Whether they are bound, by what the kernel says of this machine's sockets (proc(5), net/tcp)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    bound = {int(line.split()[1].rpartition(":")[2], 16) for line in lines}
    return bound.issuperset(ports)
