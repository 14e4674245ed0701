"""Index of workspaces and their pods: encoded once per change and entry, joined into lists, sent to streams.

Fed by watches, read by requests; knows no Kubernetes and no HTTP. A list is a join of fragments; a stream resumes at a
`Position`, the pair of resource versions up to which its reader has seen both watches (they run apart, so that one
number would lose what the slower watch has yet to bring). Deletions are remembered for a while; a reader who was away
longer is sent everything again.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from guildnet.kube.version import number
from guildnet.web.entries import Entry
from guildnet.workspace import Workspace
from guildnet_api.aio import Signal
from guildnet_api.cluster.pods import Pod, current
from guildnet_api.http.sse import compact
from guildnet_api.workspaces.view import Query, matches, server

MAX_ENTRIES: Final = 8
"""Entries whose fragments are kept: an install has three, and a signed but unheard-of one may not grow the index."""
MAX_DELETIONS: Final = 4096
"""Deletions that are remembered."""

_POSITION: Final = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})")
"""A version is a number of 64 bits."""

Allowed = Callable[[Workspace], bool]


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a stream's reader has seen the watch of Workspaces and that of pods."""

    workspaces: int = 0
    pods: int = 0

    def __str__(self) -> str:
        return f"{self.workspaces}.{self.pods}"

    def covers(self, other: Position) -> bool:
        return self.workspaces >= other.workspaces and self.pods >= other.pods

    def max(self, other: Position) -> Position:
        return Position(max(self.workspaces, other.workspaces), max(self.pods, other.pods))

    @classmethod
    def parse(cls, text: str) -> Position | None:
        found = _POSITION.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Delta:
    """What a reader has not seen yet; `full` when that is not known and `changed` is simply everything."""

    changed: Sequence[Workspace]
    gone: Sequence[str]
    full: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    """When a name last changed: in this process's count, and in the cluster's versions."""

    version: int
    position: Position


class WorkspaceIndex:
    """The workspaces and their pods. `signal` is notified of every change, `version` counts changes."""

    def __init__(self) -> None:
        self.signal = Signal()
        self.position = Position()
        self.version = 0
        self._workspaces: dict[str, Workspace] = {}
        self._pods: dict[str, dict[str, Pod]] = {}
        self._by_uid: dict[str, Pod] = {}
        self._changed: OrderedDict[str, _Mark] = OrderedDict()
        self._gone: OrderedDict[str, _Mark] = OrderedDict()
        self._forgotten = Position()
        self._fragments: OrderedDict[Entry | None, dict[str, bytes]] = OrderedDict()
        self._joined: dict[Entry | None, tuple[int, bytes, str]] = {}

    # ---- the watches -----------------------------------------------------------------------------------------------

    def put_workspace(self, ws: Workspace) -> None:
        self._workspaces[ws.name] = ws
        self._gone.pop(ws.name, None)
        self._touch(ws.name, workspaces=_number(ws.resource_version))

    def drop_workspace(self, name: str) -> None:
        """A watch does not say the version of a deletion; it is above what was seen before, which is enough here."""
        if self._workspaces.pop(name, None) is None:
            return
        self._touch(name, workspaces=self.position.workspaces + 1)
        self._gone[name] = self._changed.pop(name)
        while len(self._gone) > MAX_DELETIONS:
            self._forgotten = self._gone.popitem(last=False)[1].position

    def put_pod(self, pod: Pod) -> None:
        self._pods.setdefault(pod.workspace, {})[pod.name] = pod
        self._by_uid[pod.uid] = pod
        self._touch(pod.workspace, pods=_number(pod.resource_version))

    def drop_pod(self, pod: Pod) -> None:
        known = self._pods.get(pod.workspace, {})
        known.pop(pod.name, None)
        self._by_uid.pop(pod.uid, None)
        if not known:
            self._pods.pop(pod.workspace, None)
        self._touch(pod.workspace, pods=self.position.pods + 1)

    def listed(self, *, workspaces: str = "", pods: str = "") -> None:
        """A watch has its list at this version. What was deleted before the first list is not known."""
        at = Position(_number(workspaces), _number(pods))
        self.position = self.position.max(at)
        if at.workspaces and not self._forgotten.workspaces:
            self._forgotten = self._forgotten.max(Position(workspaces=at.workspaces))
        self.signal.notify()

    def _touch(self, name: str, *, workspaces: int = 0, pods: int = 0) -> None:
        self.position = self.position.max(Position(workspaces, pods))
        self.version += 1
        self._changed[name] = _Mark(self.version, self.position)
        self._changed.move_to_end(name)
        for fragments in self._fragments.values():
            fragments.pop(name, None)
        self.signal.notify()

    # ---- the readers -----------------------------------------------------------------------------------------------

    def get(self, name: str) -> Workspace | None:
        return self._workspaces.get(name)

    def all(self) -> Iterable[Workspace]:
        return self._workspaces.values()

    def pods(self, name: str) -> Sequence[Pod]:
        """The pods of this very workspace: those of a deleted one of its name may still be on their way out."""
        ws = self._workspaces.get(name)
        uid = ws.uid if ws else None
        return tuple(pod for pod in self._pods.get(name, {}).values() if pod.workspace_uid == uid)

    def pod(self, name: str) -> Pod | None:
        """The pod that stands for a workspace: the newest one that is not going away."""
        return current(self.pods(name))

    def pod_by_uid(self, uid: str) -> Pod | None:
        return self._by_uid.get(uid)

    def fragment(self, ws: Workspace, entry: Entry | None) -> bytes:
        """The workspace as JSON, encoded when first asked for after a change."""
        fragments = self._fragments.get(entry)
        if fragments is None:
            fragments = self._fragments[entry] = {}
            while len(self._fragments) > MAX_ENTRIES:
                old, _ = self._fragments.popitem(last=False)
                self._joined.pop(old, None)
        found = fragments.get(ws.name)
        if found is None:
            found = fragments[ws.name] = compact(server(ws, self.pods(ws.name), entry))
        return found

    def listing(self, entry: Entry | None, query: Query, allowed: Allowed | None) -> tuple[bytes, str]:
        """A list and its ETag; `allowed` None means that the caller may see every one."""
        plain = allowed is None and query == Query()
        known = self._joined.get(entry) if plain else None
        if known and known[0] == self.version:
            return known[1], known[2]
        chosen = (
            ws for _, ws in sorted(self._workspaces.items()) if matches(ws, query) and (allowed is None or allowed(ws))
        )
        body = b"[" + b",".join(self.fragment(ws, entry) for ws in chosen) + b"]"
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        if plain:
            self._joined[entry] = (self.version, body, etag)
        return body, etag

    def after(self, version: int) -> Delta:
        """What changed since a reader of this process was last here."""
        return self._delta(lambda mark: mark.version > version)

    def resume(self, position: Position | None) -> Delta:
        """What changed since a position, of any process's reader; None is at the very beginning."""
        if position is None or not position.covers(self._forgotten):
            return Delta([ws for _, ws in sorted(self._workspaces.items())], (), full=True)
        return self._delta(lambda mark: not position.covers(mark.position))

    def _delta(self, unseen: Callable[[_Mark], bool]) -> Delta:
        changed = [self._workspaces[name] for name in _tail(self._changed, unseen) if name in self._workspaces]
        return Delta(changed, _tail(self._gone, unseen), full=False)


def _tail(log: OrderedDict[str, _Mark], unseen: Callable[[_Mark], bool]) -> list[str]:
    """The names at the end of a log that are unseen, oldest first; logs are in order, so the end is enough."""
    return list(takewhile(lambda name: unseen(log[name]), reversed(log)))[::-1]


def _number(resource_version: str) -> int:
    """The version as a number; 0 for one that cannot be compared."""
    return number(resource_version) or 0
