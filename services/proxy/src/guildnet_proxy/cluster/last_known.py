"""The last known table on disk: what an earlier run was told of the cluster, for a start while the API server is down.

One line for each object, below a first line of schema, namespace and number of objects; a file of another schema, a
cut one and one above MAX_BYTES are none. What a workspace's env says is left out but for _ENV. The file's time of
change is when the API server last confirmed what it says.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from guildnet.capability import Capability
from guildnet.telemetry import logger
from guildnet.workspace import Workspace, replace
from guildnet_proxy.cluster.index import Index, Slice

SCHEMA: Final = 1
MAX_BYTES: Final = 32 * 2**20
"""About 25,000 workspaces."""
WRITE_SECONDS: Final = 5.0
"""Between two writes of a table that changes, and two notes that it is confirmed."""
CLOCK_LEEWAY_SECONDS: Final = 60.0
"""A file from further in the future is none: nobody knows how old it is."""

_ENV: Final = frozenset({"AGENT_HOST", "GUILDNET_SCRIPT_COOKIES"})
"""What of a workspace's env the proxy asks for."""
_MAGIC: Final = b"guildnet-last-known"
_KINDS: Final[dict[bytes, msgspec.json.Decoder[Any]]] = {
    b"workspace": msgspec.json.Decoder(Workspace),
    b"slice": msgspec.json.Decoder(Slice),
    b"capability": msgspec.json.Decoder(Capability),
}


class UnusableError(ValueError):
    """The file is no table of this schema and namespace; the text says why."""


@dataclass(frozen=True, slots=True)
class Table:
    """Everything an Index is told."""

    workspaces: tuple[Workspace, ...]
    slices: tuple[Slice, ...]
    capabilities: tuple[Capability, ...]

    def objects(self) -> Iterator[tuple[bytes, Any]]:
        yield from ((b"workspace", _reduced(item)) for item in self.workspaces)
        yield from ((b"slice", item) for item in self.slices)
        yield from ((b"capability", item) for item in self.capabilities)


def _reduced(workspace: Workspace) -> Workspace:
    """Without what the proxy does not ask for: env may hold secrets."""
    spec = workspace.spec
    env = tuple(item for item in spec.env if item.name in _ENV)
    kept = replace(spec, env=env, command=(), args=(), notes=None, storage=None, exposure=None, probe=None)
    return replace(workspace, spec=kept)


def lines(table: Table, namespace: str) -> Iterator[bytes]:
    number = len(table.workspaces) + len(table.slices) + len(table.capabilities)
    yield b"%b %d %b %d\n" % (_MAGIC, SCHEMA, namespace.encode(), number)
    for kind, value in table.objects():
        yield b"%b %b\n" % (kind, msgspec.json.encode(value))


def read(found: Iterable[bytes], namespace: str) -> Table:
    """The table of a file's lines; raises UnusableError."""
    rows = iter(found)
    head = next(rows, b"").split()
    if head[:2] != [_MAGIC, b"%d" % SCHEMA] or len(head) != 4 or not head[3].isdigit():
        raise UnusableError("it is of another schema")
    if head[2] != namespace.encode():
        raise UnusableError("it is of another namespace")
    values: dict[bytes, list[Any]] = {kind: [] for kind in _KINDS}
    for row in rows:
        kind, _, text = row.partition(b" ")
        try:
            values[kind].append(_KINDS[kind].decode(text))
        except (KeyError, msgspec.MsgspecError):
            raise UnusableError("it is damaged") from None
    if sum(map(len, values.values())) != int(head[3]):
        raise UnusableError("it is not whole")
    return Table(tuple(values[b"workspace"]), tuple(values[b"slice"]), tuple(values[b"capability"]))


def write(path: Path, table: Table, namespace: str, confirmed: float) -> bool:
    """Puts the table in place atomically, readable by this user alone; False where it is above MAX_BYTES."""
    aside = path.with_name(f".{path.name}.new")
    size = 0
    aside.touch(0o600)
    with aside.open("wb") as file:
        for line in lines(table, namespace):
            size += len(line)
            if size > MAX_BYTES:
                break
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    if size > MAX_BYTES:
        aside.unlink()
        return False
    os.utime(aside, (confirmed, confirmed))
    aside.replace(path)
    return True


class LastKnown:
    """The file at `path`. `age` says how long ago the API server confirmed the index, inf where it has not yet; `wall`
    gives Unix seconds; `forget` drops what this run was not told; a table that was confirmed longer than `seconds` ago
    is not used."""

    def __init__(
        self,
        path: Path,
        namespace: str,
        index: Index,
        *,
        seconds: float,
        age: Callable[[], float],
        forget: Callable[[], None],
        wall: Callable[[], float],
    ) -> None:
        self._path = path
        self._namespace = namespace
        self._index = index
        self._seconds = seconds
        self._age = age
        self._forget = forget
        self._wall = wall
        self._written = -1
        self._too_large = False

    def restore(self) -> bool:
        """Gives the index what the file says, if it says something usable."""
        try:
            found = self._path.stat()
            age = self._wall() - found.st_mtime
            if not -CLOCK_LEEWAY_SECONDS <= age <= self._seconds:
                raise UnusableError(f"it was confirmed {age:.0f} s ago")
            if found.st_size > MAX_BYTES:
                raise UnusableError("it is too large")
            with self._path.open("rb") as file:
                table = read(file, self._namespace)
        except FileNotFoundError:
            return False
        except (OSError, UnusableError) as error:
            logger.warning("last known table not used", error=str(error))
            return False
        confirmed = found.st_mtime
        self._index.restore(
            table.workspaces, table.slices, table.capabilities, lambda: max(0, int(self._wall() - confirmed))
        )
        logger.warning("last known table restored", workspaces=len(table.workspaces), age=round(age))
        return True

    async def run(self, *, writes: bool) -> None:
        """Keeps the file; ends the use of a restored table that has become too old. Of several processes one
        `writes`."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            stale = self._index.stale
            if stale is not None:
                if stale() > self._seconds:
                    logger.warning("last known table is too old")
                    self._forget()
            elif writes:
                await self.keep()

    async def keep(self) -> None:
        """Writes a table that has changed, or notes that it is confirmed."""
        age, index = self._age(), self._index
        if age > self._seconds or index.capabilities is None:
            return
        confirmed = self._wall() - age
        try:
            if self._written != index.version:
                version, table = index.version, index_table(index, index.capabilities)
                # Line by line in a thread: the loop has its turns in between.
                whole = await asyncio.to_thread(write, self._path, table, self._namespace, confirmed)
                self._written = version
                if not whole and not self._too_large:
                    logger.warning("last known table not written: it is too large", limit=MAX_BYTES)
                self._too_large = not whole
            elif not self._too_large:
                os.utime(self._path, (confirmed, confirmed))
        except OSError as error:
            self._written = -1
            logger.warning("last known table not written", error=str(error))


def index_table(index: Index, capabilities: tuple[Capability, ...]) -> Table:
    """What the index holds now."""
    return Table(tuple(index.workspaces.values()), index.slices(), capabilities)
