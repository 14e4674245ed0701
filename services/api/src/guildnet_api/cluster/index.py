"""Index of workspaces and their pods: encoded once per change and entry, joined into lists, sent to streams.

Fed by watches, read by requests; knows no Kubernetes and no HTTP. A list is a join of fragments; a stream resumes at a
`Position`, the pair of resource versions up to which its reader has seen both watches (they run apart, so that one
number would lose what the slower watch has yet to bring). Deletions are remembered for a while; a reader who was away
longer is sent everything again, and so is one that has seen more than there is: the cluster was restored meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
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
MAX_LISTS: Final = 64
"""Joined lists that are kept: one for each entry, filter and set of rights that was asked for last."""

MAX_COLD: Final = 100
"""Workspaces that a list may encode in one go."""
WARM_SECONDS: Final = 0.005

_POSITION: Final = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})")
"""A version is a number of 64 bits."""

Allowed = Callable[[Workspace], bool]


@dataclass(frozen=True, slots=True)
class Rights:
    """The workspaces that a caller may list: a test, None for every one, and what the test stands on, to compare."""

    key: str
    allowed: Allowed | None = None


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
    gone: Sequence[Workspace]
    """As they were last."""
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
        self._last: dict[str, Workspace] = {}
        self._forgotten = Position()
        self._sorted: tuple[int, list[Workspace]] = (-1, [])
        self._fragments: OrderedDict[Entry | None, dict[str, bytes]] = OrderedDict()
        self._joined: OrderedDict[tuple[Entry | None, Query, str], tuple[int, bytes, str]] = OrderedDict()

    # ---- the watches -----------------------------------------------------------------------------------------------

    def put_workspace(self, ws: Workspace) -> None:
        self._workspaces[ws.name] = ws
        self._gone.pop(ws.name, None)
        self._last.pop(ws.name, None)
        self._touch(ws.name, workspaces=_number(ws.resource_version))

    def drop_workspace(self, name: str) -> None:
        """A watch does not say the version of a deletion; it is above what was seen before, which is enough here."""
        last = self._workspaces.get(name)
        if last is None:
            return
        self._touch(name, workspaces=self.position.workspaces + 1)
        del self._workspaces[name]
        self._gone[name] = self._changed.pop(name)
        self._last[name] = last
        while len(self._gone) > MAX_DELETIONS:
            forgotten, mark = self._gone.popitem(last=False)
            del self._last[forgotten]
            self._forgotten = mark.position

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
        behind = self.position
        if 0 < at.workspaces < behind.workspaces or 0 < at.pods < behind.pods:
            # The cluster counts from an earlier version again: it was restored. What ids say of before means nothing.
            self.position = self._forgotten = Position(at.workspaces or behind.workspaces, at.pods or behind.pods)
        self.position = self.position.max(at)
        if at.workspaces and not self._forgotten.workspaces:
            self._forgotten = self._forgotten.max(Position(workspaces=at.workspaces))
        self.signal.notify()

    def _touch(self, name: str, *, workspaces: int = 0, pods: int = 0) -> None:
        self.position = self.position.max(Position(workspaces, pods))
        if name not in self._workspaces:
            return  # a pod whose workspace went before it, or has not come yet: then everything of it is told with that
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
                self._fragments.popitem(last=False)
        found = fragments.get(ws.name)
        if found is None:
            found = fragments[ws.name] = compact(server(ws, self.pods(ws.name), entry))
        return found

    async def warm(self, entry: Entry | None) -> None:
        """Encode what is not encoded for an entry, letting others run meanwhile: after the start that is everything."""
        known = self._fragments.get(entry, {})
        if len(self._workspaces) - len(known) < MAX_COLD:
            return
        until = time.perf_counter() + WARM_SECONDS
        for name in list(self._workspaces):
            ws = self._workspaces.get(name)
            if ws is not None:
                self.fragment(ws, entry)
            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                until = time.perf_counter() + WARM_SECONDS

    def listing(self, entry: Entry | None, query: Query, rights: Rights) -> tuple[bytes, str]:
        """A list and its ETag; the same one again until something changes."""
        key = (entry, query, rights.key)
        known = self._joined.get(key)
        if known and known[0] == self.version:
            self._joined.move_to_end(key)
            return known[1], known[2]
        chosen = self._sorted_workspaces()
        if query != Query():
            chosen = [ws for ws in chosen if matches(ws, query)]
        if rights.allowed is not None:
            chosen = list(filter(rights.allowed, chosen))
        body = b"[" + b",".join([self.fragment(ws, entry) for ws in chosen]) + b"]"
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._joined[key] = (self.version, body, etag)
        self._joined.move_to_end(key)
        if len(self._joined) > MAX_LISTS:
            self._joined.popitem(last=False)
        return body, etag

    def _sorted_workspaces(self) -> list[Workspace]:
        """By name; sorted once per change."""
        if self._sorted[0] != self.version:
            self._sorted = self.version, [self._workspaces[name] for name in sorted(self._workspaces)]
        return self._sorted[1]

    def after(self, version: int) -> Delta:
        """What changed since a reader of this process was last here."""
        return self._delta(lambda mark: mark.version > version)

    def resume(self, position: Position | None) -> Delta:
        """What changed since a position, of any process's reader; None is at the very beginning."""
        if position is None or not (position.covers(self._forgotten) and self.position.covers(position)):
            return Delta(self._sorted_workspaces(), (), full=True)
        return self._delta(lambda mark: not position.covers(mark.position))

    def _delta(self, unseen: Callable[[_Mark], bool]) -> Delta:
        changed = [self._workspaces[name] for name in _tail(self._changed, unseen)]
        return Delta(changed, [self._last[name] for name in _tail(self._gone, unseen)], full=False)


def _tail(log: OrderedDict[str, _Mark], unseen: Callable[[_Mark], bool]) -> list[str]:
    """The names at the end of a log that are unseen, oldest first; logs are in order, so the end is enough."""
    return list(takewhile(lambda name: unseen(log[name]), reversed(log)))[::-1]


def _number(resource_version: str) -> int:
    """The version as a number; 0 for one that cannot be compared."""
    return number(resource_version) or 0
