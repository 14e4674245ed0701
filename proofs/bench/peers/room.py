"""What every proxy of a run is started with, and what a started one is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guildnet.identity import Identity
from guildnet.web.entries import Entry
from guildnet_proxy.auth.sessions import Session, Sessions
from proofs.bench import cluster
from support.process import Process, free_port

INSTALL: Final = "guildnet"
_SESSION_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Room:
    """`port` is guildnet's, whose name all of them are asked by."""

    directory: Path
    core: int
    upstream_port: int
    kubeconfig: Path
    key: str
    port: int
    ops_port: int

    @classmethod
    def made(cls, directory: Path, core: int, upstream_port: int, kubeconfig: Path) -> Room:
        return cls(directory, core, upstream_port, kubeconfig, secrets.token_hex(32), free_port(), free_port())

    @property
    def origin(self) -> str:
        """Of guildnet's own pages."""
        return f"http://guildnet.localhost:{self.port}"

    @property
    def host(self) -> str:
        """Of the workspace."""
        return f"{cluster.LABEL}.guildnet.localhost:{self.port}"

    def cookie(self, person: int = 0) -> str:
        """The session that a browser gets on a workspace's own origin, for one of many people."""
        sessions = Sessions(self.key.encode(), INSTALL)
        entry = Entry("local", self.origin, "host")
        who = Identity("user", f"ann{person}@example.com", "Ann", (), (), "session", entry)
        value = sessions.issue_workspace(Session(who, time.time() + _SESSION_SECONDS), cluster.UID)
        return f"{sessions.names.workspace}={value}"

    def start(self, name: str, port: int, argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> Running:
        """Start one on the core that is for proxies; `argv` has to become the process that does the work."""
        pinned = ["taskset", "--cpu-list", str(self.core), *map(str, argv)]
        return Running(name, port, Process(pinned, self.directory / f"{name}.log", env=env))


@dataclass(frozen=True, slots=True)
class Running:
    name: str
    port: int
    process: Process
