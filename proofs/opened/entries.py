"""The ways in of the proof: the local entry, the tailnet, a name of its own in both modes, behind a TLS server, and the
local entry of a proxy that reaches pods through the API server.

The local cluster has no entry by a name. The chart gives it one while a block runs, and a server of this process ends
TLS before the front door, as the Ingress of such a name does.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import trustme
import yaml

from guildnet_local import up
from guildnet_local.build import programs
from guildnet_local.cluster.bootstrap import of_cluster
from guildnet_local.machine.lock import held
from guildnet_local.machine.waiting import until
from guildnet_local.release import reachable, rollout
from guildnet_local.release.helm import Helm
from guildnet_local.settings import Settings, load
from support.local import Local
from support.process import free_port

NAME: Final = "guildnet.example"


@dataclass(frozen=True, slots=True)
class Mode:
    """An entry in a mode: its control origin, whether workspaces have own origins there, how a browser gets there."""

    name: str
    control: str
    own_origins: bool
    context: dict[str, Any] = field(default_factory=dict)
    login: str = ""
    """Path of the link that logs in; empty where the entry says who is there."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What of the release's values is another; empty for the release as it is."""


def modes(local: Local, domain: str) -> tuple[Mode, ...]:
    """All of them; `domain` is the origin of the entry by a name."""
    login = local.login_url.removeprefix(local.origin)
    device = {"proxy": {"server": f"socks5://{local.tailnet.socks5}"}}
    return (
        Mode("local entry, own hosts", local.origin, True, login=login),
        Mode("tailnet, own ports", local.tailnet.url.rstrip("/"), True, device),
        Mode("a name, path form, trusted", domain, False, login=login, values=_named(domain, "path")),
        Mode("a name, own hosts", domain, True, login=login, values=_named(domain, "host")),
        Mode(
            "local, through the API server", local.origin, True, login=login,
            values={"proxy": {"transport": "api-server", "disableApiProxy": False}},
        ),
    )  # fmt: skip


def _named(origin: str, mode: str) -> dict[str, Any]:
    """The entry by a name; the path form only works where it is trusted."""
    return {"entries": {"domain": {"origin": origin, "mode": mode}, "pathTrusted": mode == "path"}}


def changed(values: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others put over them, map by map."""
    found = dict(values)
    for key, value in other.items():
        old = found.get(key)
        found[key] = changed(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found


class Release:
    """The release on the local cluster, whose values are changed for a while."""

    def __init__(self) -> None:
        self.settings: Settings = load(os.environ)
        self._kubectl = of_cluster(self.settings)
        self._helm = Helm(programs.ensure(("helm",))["helm"], self._kubectl)
        self._changed = False
        self._values: dict[str, Any] = yaml.safe_load((self.settings.config / "values.yaml").read_text())

    @contextmanager
    def restored(self) -> Iterator[None]:
        """The values are those of before when the block ends."""
        try:
            yield
        finally:
            if self._changed:
                self._upgrade(self._values)

    def change(self, values: Mapping[str, Any]) -> None:
        """These values over those of before, and no others."""
        self._changed = True
        self._upgrade(changed(self._values, values))

    def _upgrade(self, values: dict[str, Any]) -> None:
        with held(self.settings.lock, up.holder(self.settings, "show-apps"), print):
            self._helm.upgrade(self.settings.chart, values)
            rollout.await_rollout(self._kubectl, print)
        until(lambda: reachable.front_door_answers(self.settings.ports.front), "the front door answers", seconds=30)


@dataclass(frozen=True, slots=True)
class Name:
    """The entry's control origin, and the authority that its certificate is of."""

    origin: str
    authority: Path


@contextmanager
def named(directory: Path, front: int) -> Iterator[Name]:
    """A TLS server for the name and what is below it, before the front door at port `front` of loopback."""
    port = free_port()
    certificate, authority = _certificate(directory)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda reader, writer: _relay(reader, writer, front), "127.0.0.1", port, ssl=context)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Name(f"https://{NAME}:{port}", authority)
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, front: int) -> None:
    inside, to_inside = await asyncio.open_connection("127.0.0.1", front)
    await asyncio.gather(_pass_on(reader, to_inside), _pass_on(inside, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate with its key for the name and the names below it, and the authority that it is of; PEM files."""
    authority = trustme.CA()
    made, root = directory / "name.pem", directory / "authority.pem"
    authority.issue_cert(NAME, f"*.{NAME}").private_key_and_cert_chain_pem.write_to_path(str(made))
    authority.cert_pem.write_to_path(str(root))
    return made, root
