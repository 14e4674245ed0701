"""Reconciliation of one Workspace: from what the caches hold to the writes that are missing, and to the status.

Level-triggered: whatever was missed, half-done or undone by hand, the same call puts right, and where nothing differs
it writes nothing. A Workspace that is gone or going is left to the cluster's garbage collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from guildnet.errors import GuildNetError, TooManyRequests, Unreachable
from guildnet.kube.client import Client
from guildnet.names import origin_label
from guildnet.web.entries import Entry
from guildnet.workspace import OriginPort, Workspace, other_ports
from guildnet_operator import metrics
from guildnet_operator.admission import Admissions
from guildnet_operator.event_recorder import EventRecorder
from guildnet_operator.plan.next_start import plan_for
from guildnet_operator.plan.plan import Plan, Policy
from guildnet_operator.plan.volumes import no_smaller
from guildnet_operator.port_allocator import PortAllocator
from guildnet_operator.status.children import Children
from guildnet_operator.status.current import never_ran
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Admission, Problem, Snapshot
from guildnet_operator.sync.children import SECRET, ChildSync, only_ours
from guildnet_operator.sync.results import Failure, Known, SyncResult
from guildnet_operator.sync.status_writer import StatusWriter
from guildnet_operator.sync.writer import Writer
from guildnet_operator.watch.caches import Cluster
from guildnet_operator.watch.live import controller_uid
from guildnet_operator.workqueue import OUTAGE, RETRY, SETTLED, Next

log = structlog.get_logger(__name__)

TELL_FAILURE_AFTER_SECONDS: Final = 0.15
"""How long requests about a child have to go on failing before that is told: less than the pause before the first retry
(`workqueue.FIRST_RETRY_SECONDS`), so that it takes two in a row. Further retries may have to wait for others."""

_OriginPorts = tuple[int | None, tuple[OriginPort, ...]]
"""The port of the tailnet name that is the first port's origin, and those of the ports behind it."""


@dataclass(slots=True)
class _KeyState:
    """What is remembered of a key between two reconciles; losing it costs a read, never a write."""

    uid: str
    owner: str = ""
    admission: Admission = field(default_factory=Admission)
    synced_once: bool = False
    secret_ensured: str | None = None
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
    """What every reconcile of this install needs to know; `entries` takes the tailnet name, `login` makes the content
    of the Secret that a plan names."""

    namespace: str
    policy: Policy
    entries: Callable[[str | None], tuple[Entry, ...]]
    login: Callable[[Plan], Mapping[str, str]]


class Reconciler:
    """Call it with the name of a Workspace; the queue does."""

    def __init__(
        self, client: Client, cluster: Cluster, ports: PortAllocator, install: Install, admissions: Admissions
    ) -> None:
        self._client = client
        self._admissions = admissions
        self._cluster = cluster
        self._ports = ports
        self._install = install
        self._children = ChildSync(Writer(client, install.namespace), cluster, install.login)
        self._events = EventRecorder(client, install.namespace)
        self._status = StatusWriter(client, cluster, self._events)
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
        admission = state.admission = self._admissions.judge(workspace)
        state.owner = workspace.owner
        plan = self._plan(workspace, admitted=not admission.waits)
        result = await self._sync(workspace, plan, state)
        if result.unwanted:
            return SETTLED
        errors = [item.error for item in result.failures if item.error is not None]
        for error in errors:
            log.warning("child not written", workspace=workspace.name, error=error.message, code=error.code)
        state.note(result.failures)
        ports, no_port = (own_ports(workspace), None) if admission.waits else await self._ports_of(workspace)
        snapshot = replace(self._snapshot(workspace, plan, result, state.told, ports), admission=admission)
        then = await self._status.write(replace(snapshot, no_port=no_port.message if no_port else None))
        if not (then.retry or plan.replicas or admission.waits):
            self._admissions.released(workspace.owner, workspace.name)
        if errors or no_port:
            return _again_after([*errors, *([no_port] if no_port else [])])
        # A refusal can end without an event that we see, and a stranger's Secret is one we may not watch.
        hidden = any(item.reason is Reason.REFUSED or item.kind == SECRET for item in result.problems)
        return RETRY if hidden else _sooner(then, result.after)

    def _snapshot(
        self, workspace: Workspace, plan: Plan, result: SyncResult, told: tuple[Problem, ...], ports: _OriginPorts
    ) -> Snapshot:
        entries = self._install.entries(self._cluster.tailnet_name)
        first, others = ports
        return Snapshot(workspace, plan, result.children, (*result.problems, *told), first, entries, others)

    async def _ports_of(self, workspace: Workspace) -> tuple[_OriginPorts, GuildNetError | None]:
        """The ports of the Workspace's origins, new ones where an entry needs them; or why one is missing."""
        first, others = own_ports(workspace)
        entries = self._install.entries(self._cluster.tailnet_name)
        by_port = any(entry.mode == "port" for entry in entries)
        if workspace.deleting or (first is None and not by_port):
            return (first, others), None
        try:
            first = await self._ports.of(workspace.uid, first)
            return (first, await self._others(workspace, others, by_port=by_port)), None
        except GuildNetError as error:
            log.warning("no port", workspace=workspace.name, error=error.message, code=error.code)
            return (first, others), error

    async def _others(
        self, workspace: Workspace, others: tuple[OriginPort, ...], *, by_port: bool
    ) -> tuple[OriginPort, ...]:
        """Those of its ports behind the first: each is given when it was asked for, and kept while it is declared."""
        held = {item.container_port: item.port for item in others}
        asked = self._cluster.ports_requested(workspace) if by_port else frozenset()
        found = []
        for number in other_ports(workspace):
            if number in held or number in asked:
                given = await self._ports.of(workspace.uid, held.get(number), number)
                found += [OriginPort(number, given)] if given is not None else []
        return tuple(found)

    async def _meanwhile(self, workspace: Workspace, plan: Plan, state: _KeyState, result: SyncResult) -> None:
        """Tell what is known while the API server does not answer the writes of a pass."""
        told = state.told or tuple(unavailable(item) for item in result.failures)
        try:
            snapshot = self._snapshot(workspace, plan, result, told, own_ports(workspace))
            pending = "it is given when the children are written"
            await self._status.write(replace(snapshot, admission=state.admission, no_port=pending))
        except GuildNetError as error:
            log.warning("status not written", workspace=workspace.name, error=error.message, code=error.code)

    def _plan(self, workspace: Workspace, *, admitted: bool) -> Plan:
        found = self._cluster.deployments.get(workspace.name)
        live = found if found is not None and controller_uid(found) == workspace.uid else None

        def waits() -> bool:
            return never_ran(self._cluster.with_pods(workspace.name, Children(deployment=live)).current_pod)

        policy = replace(self._install.policy, entries=self._install.entries(self._cluster.tailnet_name))
        plan = plan_for(workspace, policy, live, never_ran=waits, admitted=admitted)
        return no_smaller(plan, self._cluster.claims.get(plan.claim.name)) if plan.claim else plan

    async def _sync(self, workspace: Workspace, plan: Plan, state: _KeyState) -> SyncResult:
        live = self._cluster.named(workspace.name)
        # Nothing is made for one that waits for its first start: its launch may still be taken back.
        if workspace.deleting or (state.admission.waits and live.deployment is None):
            return SyncResult(self._cluster.with_pods(workspace.name, only_ours(plan, live)))
        # What a pod waits for may be the password Secret, deleted by somebody: read it again.
        ensured = None if self._cluster.misconfigured(workspace.name) else state.secret_ensured
        fresh = workspace.status.phase is None and live.deployment is None and not state.synced_once
        state.synced_once = True
        asked = workspace.status.observed_generation != workspace.generation
        meanwhile = partial(self._meanwhile, workspace, plan, state)
        result = await self._children.sync(plan, live, Known(ensured, fresh, asked), meanwhile)
        state.secret_ensured = result.secret_ensured
        return result

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
            self._status.forget(state.uid)
            self._admissions.released(state.owner, key, state.uid)


def own_ports(workspace: Workspace) -> _OriginPorts:
    """The ports in its status, where that status is its own: the host label beside them has its uid."""
    origin = workspace.status.origin
    if origin is None or origin.host != origin_label(workspace.name, workspace.uid):
        return None, ()
    return origin.port, origin.ports


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
