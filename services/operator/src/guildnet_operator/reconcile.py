"""Reconciliation of one Workspace: from what the caches hold to the writes that are missing, and to the status.

Level-triggered: whatever was missed, half-done or undone by hand, the same call puts right, and where nothing differs
it writes nothing. A Workspace that is gone or going is left to the cluster's garbage collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from guildnet.errors import Conflict, GuildNetError, NotFound, TooManyRequests, Unreachable
from guildnet.kube.client import Client
from guildnet.kube.resources import WORKSPACES
from guildnet.names import FIELD_MANAGER_OPERATOR, origin_label
from guildnet.web.entries import Entry
from guildnet.workspace import Workspace, WorkspaceStatus, status_to_wire
from guildnet_operator import metrics
from guildnet_operator.event_recorder import EventRecorder
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.plan import Plan, Policy
from guildnet_operator.port_allocator import PortAllocator
from guildnet_operator.status.diagnosis import storage_told_in
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Problem, Snapshot
from guildnet_operator.status.status import observe
from guildnet_operator.sync.children import SECRET, ChildSync, Failure, Known, SyncResult, only_ours
from guildnet_operator.sync.writer import Writer
from guildnet_operator.watch.caches import Cluster
from guildnet_operator.workqueue import OUTAGE, RETRY, SETTLED, Next

log = structlog.get_logger(__name__)

STATUS_DEBOUNCE_SECONDS: Final = 0.4
"""How long a change of status that nobody waits for is held back for the next one: a start has half a dozen of them."""
FIRST_STATUS_DEBOUNCE_SECONDS: Final = 1.0
"""The same for the first status, which says no more than having none: a start from an image that is there needs one."""
TELL_FAILURE_AFTER_SECONDS: Final = 0.5
"""How long requests about a child have to go on failing before that is told: one that is repeated at once is none."""


@dataclass(slots=True)
class _KeyState:
    """What is remembered of a key between two reconciles; losing it costs a read, never a write."""

    uid: str
    synced_once: bool = False
    secret_ensured: bool = False
    status_due: float | None = None
    failing_since: float | None = None
    told: tuple[Problem, ...] = ()
    """What is told of requests that fail, in the words of the last answers."""

    def note(self, failures: tuple[Failure, ...]) -> None:
        """Take the failures of a pass that has ended; what is told of them changes only when they last."""
        if not failures:
            self.failing_since, self.told = None, ()
            return
        now = time.monotonic()
        self.failing_since = self.failing_since or now
        if now - self.failing_since >= TELL_FAILURE_AFTER_SECONDS:
            self.told = tuple(unavailable(item) for item in failures)


@dataclass(frozen=True, slots=True)
class Install:
    """What every reconcile of this install needs to know; `entries` takes the tailnet name, `password` makes one."""

    namespace: str
    policy: Policy
    entries: Callable[[str | None], tuple[Entry, ...]]
    password: Callable[[], str]


class Reconciler:
    """Call it with the name of a Workspace; the queue does."""

    def __init__(self, client: Client, cluster: Cluster, ports: PortAllocator, install: Install) -> None:
        self._client = client
        self._cluster = cluster
        self._ports = ports
        self._install = install
        self._children = ChildSync(Writer(client, install.namespace), cluster, install.password)
        self._events = EventRecorder(client, install.namespace)
        self._states: dict[str, _KeyState] = {}
        self._unreadable: dict[str, tuple[str, int]] = {}
        """Versions of Workspaces, by name, of which an Event says that they cannot be read."""

    async def __call__(self, key: str) -> Next:
        began = time.perf_counter()
        workspace = self._cluster.workspaces.get(key)
        if workspace is None:
            await self._tell_unreadable(key)
            return SETTLED
        state = self._state_of(workspace)
        try:
            then = await self._reconcile(workspace, state)
        except GuildNetError as error:
            log.warning("reconcile failed", workspace=key, error=error.message, code=error.code)
            then = _again_after([error])
        metrics.reconciled("retry" if then.retry else "settled", time.perf_counter() - began)
        return then

    async def _tell_unreadable(self, key: str) -> None:
        """An Event for each version of a stored Workspace that cannot be read; one that is gone is forgotten."""
        found = self._cluster.workspaces.unreadable(key)
        if found is None:
            self._unreadable.pop(key, None)
            self._forget(key)
            return
        uid, version, why = found
        if self._unreadable.get(key) != (uid, version):
            self._unreadable[key] = (uid, version)
            await self._events.unreadable(key, uid, why)

    async def _reconcile(self, workspace: Workspace, state: _KeyState) -> Next:
        plan = decide(workspace, self._install.policy)
        result = await self._sync(workspace, plan, state)
        if result.unwanted:
            return SETTLED
        errors = [item.error for item in result.failures if item.error is not None]
        for error in errors:
            log.warning("child not written", workspace=workspace.name, error=error.message, code=error.code)
        state.note(result.failures)
        port, no_port = await self._port(workspace)
        snapshot = self._snapshot(workspace, plan, result, state.told, port)
        then = await self._status(replace(snapshot, no_port=no_port.message if no_port else None), state)
        if errors or no_port:
            return _again_after([*errors, *([no_port] if no_port else [])])
        # A refusal can end without an event that we see, and a stranger's Secret is one we may not watch.
        hidden = any(item.reason is Reason.REFUSED or item.kind == SECRET for item in result.problems)
        return RETRY if hidden else _sooner(then, result.after)

    def _snapshot(
        self, workspace: Workspace, plan: Plan, result: SyncResult, told: tuple[Problem, ...], port: int | None
    ) -> Snapshot:
        entries = self._install.entries(self._cluster.tailnet_name)
        return Snapshot(workspace, plan, result.children, (*result.problems, *told), port, entries)

    async def _port(self, workspace: Workspace) -> tuple[int | None, GuildNetError | None]:
        """The port of the Workspace's origin, a new one where an entry needs one; or why there is none."""
        current = own_port(workspace)
        entries = self._install.entries(self._cluster.tailnet_name)
        if workspace.deleting or (current is None and all(entry.mode != "port" for entry in entries)):
            return current, None
        try:
            return await self._ports.of(workspace.uid, current), None
        except GuildNetError as error:
            log.warning("no port", workspace=workspace.name, error=error.message, code=error.code)
            return None, error

    async def _meanwhile(self, workspace: Workspace, plan: Plan, state: _KeyState, result: SyncResult) -> None:
        """Tell what is known while the API server does not answer the writes of a pass."""
        told = state.told or tuple(unavailable(item) for item in result.failures)
        try:
            snapshot = self._snapshot(workspace, plan, result, told, own_port(workspace))
            await self._status(replace(snapshot, no_port="it is given when the children are written"), state)
        except GuildNetError as error:
            log.warning("status not written", workspace=workspace.name, error=error.message, code=error.code)

    async def _sync(self, workspace: Workspace, plan: Plan, state: _KeyState) -> SyncResult:
        live = self._cluster.named(workspace.name)
        if workspace.deleting:
            return SyncResult(self._cluster.with_pods(workspace.name, only_ours(plan, live)))
        # What a pod waits for may be the password Secret, deleted by somebody: read it again.
        ensured = state.secret_ensured and not self._cluster.misconfigured(workspace.name)
        fresh = workspace.status.phase is None and live.deployment is None and not state.synced_once
        state.synced_once = True
        asked = workspace.status.observed_generation != workspace.generation
        meanwhile = partial(self._meanwhile, workspace, plan, state)
        result = await self._children.sync(plan, live, Known(ensured, fresh, asked), meanwhile)
        state.secret_ensured = result.secret_ensured
        return result

    async def _status(self, snapshot: Snapshot, state: _KeyState) -> Next:
        # A pass may have waited long for its writes: what counts is the status that is there now.
        now_there = self._cluster.workspaces.get(snapshot.workspace.name)
        if now_there is None or now_there.uid != snapshot.workspace.uid:
            return SETTLED
        workspace = replace(snapshot.workspace, status=now_there.status, resource_version=now_there.resource_version)
        now = _now()
        status = observe(replace(snapshot, workspace=workspace), now=now)
        # A claim that waits too long is told by the clock alone: no event comes then.
        left = storage_told_in(replace(snapshot, now=now))
        then = SETTLED if left is None or left <= 0 else Next(after=left + 1.0)
        if status == workspace.status:
            state.status_due = None
            return then
        if not urgent(workspace.status, status):
            began = time.monotonic()
            debounce = STATUS_DEBOUNCE_SECONDS if workspace.status.phase else FIRST_STATUS_DEBOUNCE_SECONDS
            due = state.status_due = state.status_due or began + debounce
            if began < due:
                return Next(after=due - began)
        written = await self._write_status(workspace, status)
        state.status_due = None
        return written if written.retry else then

    async def _write_status(self, workspace: Workspace, status: WorkspaceStatus) -> Next:
        # With the version, or the status of a deleted Workspace could land on its successor of the same name, and one
        # of an operator that leads no more on that of the next. A uid would not do: the API server ignores it here.
        body = {"metadata": {"resourceVersion": workspace.resource_version}, "status": status_to_wire(status)}
        try:
            written = await self._client.merge_patch(
                WORKSPACES,
                workspace.namespace,
                workspace.name,
                body,
                subresource="status",
                field_manager=FIELD_MANAGER_OPERATOR,
            )
        except (NotFound, Conflict) as error:
            log.info("status not written", workspace=workspace.name, error=error.message)
            # Gone: the watch is about to say so. A conflict may also be of two writes at once, with no event after it.
            return SETTLED if isinstance(error, NotFound) else RETRY
        metrics.written("Workspace", "status")
        self._cluster.workspaces.remember(written)
        if status.phase != workspace.status.phase:
            log.info("phase changed", workspace=workspace.name, phase=status.phase, was=workspace.status.phase)
        await self._events.transition(workspace, status)
        return SETTLED

    def _state_of(self, workspace: Workspace) -> _KeyState:
        state = self._states.get(workspace.name)
        if state is None or state.uid != workspace.uid:
            self._forget(workspace.name)
            state = self._states[workspace.name] = _KeyState(workspace.uid)
        return state

    def _forget(self, key: str) -> None:
        state = self._states.pop(key, None)
        if state is not None:
            self._ports.forget(state.uid)
            self._children.forget(state.uid)


def own_port(workspace: Workspace) -> int | None:
    """The port in its status, where that status is its own: the host label beside it has its uid."""
    origin = workspace.status.origin
    return origin.port if origin and origin.host == origin_label(workspace.name, workspace.uid) else None


def unavailable(failure: Failure) -> Problem:
    words = "it has not answered yet" if failure.error is None else failure.error.message.rstrip(".")
    return Problem(Reason.UNAVAILABLE, failure.kind, failure.name, words)


def _sooner(then: Next, after: float | None) -> Next:
    if then.retry or after is None:
        return then
    return Next(after=after if then.after is None else min(after, then.after))


def _again_after(errors: Iterable[GuildNetError]) -> Next:
    return OUTAGE if any(map(_is_outage, errors)) else RETRY


def _is_outage(error: GuildNetError) -> bool:
    """Would every other Workspace meet it too? Not so an answer that calls itself internal: as a rule a webhook's."""
    return isinstance(error, Unreachable | TooManyRequests) and error.reason != "InternalError"


def urgent(old: WorkspaceStatus, new: WorkspaceStatus) -> bool:
    """Is somebody waiting for this change: a phase, readiness, or something wrong?

    The first status of a new Workspace is not: until it has one, everybody takes it for pending anyway.
    """
    if old.phase is None and new.phase == "Pending":
        return False
    if old.phase != new.phase:
        return True
    for kind in ("Ready", "Degraded"):
        before, after = old.condition(kind), new.condition(kind)
        if (before and before.status) != (after and after.status):
            return True
    return False


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
