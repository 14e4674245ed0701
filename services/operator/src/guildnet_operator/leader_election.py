"""The Lease that makes one of several operators the writer (Kubernetes API `coordination.k8s.io/v1`).

The rules are those of client-go's leader election, so that `kubectl get lease` reads as anywhere: who holds it renews
it; who does not, takes it once the record has stood still for its whole duration by the *own* clock, so that clocks
need not agree. Whoever cannot renew stops well before that. It does not exit, as client-go's programs do: in an outage
of the API server a restart would cost the caches, and the kubelet's back-off after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from guildnet.errors import Conflict, Denied, GuildNetError, NotFound, Unreachable
from guildnet.kube.client import Client
from guildnet.kube.resources import LEASES, SERVICEACCOUNTS
from guildnet.names import FIELD_MANAGER_OPERATOR

log = structlog.get_logger(__name__)

RELEASE_TIMEOUT_SECONDS: Final = 2.0
"""How long giving the lease back may take at an orderly stop."""

Json = dict[str, Any]


def boottime() -> float:
    """Seconds that also pass while the machine sleeps: a lease must not outlive a suspended laptop."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LeaderElection:
    """One operator's side of the Lease `namespace`/`name`; `seconds` without a renewal free it for another.

    It belongs to the ServiceAccount of its name, where there is one: the garbage collector takes both.

    `identity` names this process: no two that live at the same time may share it, and one that follows a dead one in
    the same pod should, because it need not wait then.
    """

    def __init__(
        self,
        client: Client,
        target: tuple[str, str],
        identity: str,
        *,
        seconds: int,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._client = client
        self._namespace, self._name = target
        self.identity = identity or f"{socket.gethostname()}_{time.time_ns():x}"
        self._seconds = seconds
        self._clock = clock
        self.report: Callable[[], dict[str, str]] = dict
        """Annotations that every renewal writes."""
        self._ours: Json | None = None
        self._until = 0.0
        self._foreign: tuple[str, str, float] | None = None
        """Another holder, its last renewal, and since when we know of that."""

    @property
    def held(self) -> bool:
        """May this operator write now? False at two thirds of the duration after the last renewal was *asked* for."""
        return self._ours is not None and self._clock() < self._until

    def check(self) -> None:
        """Raises Unreachable unless the lease is held: before every write, because minutes may lie before any line."""
        if not self.held:
            raise Unreachable(f"the lease {self._name} is not held by {self.identity}: another operator may write now")

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Run `lead` while the lease is held, again and again, until cancelled; then give the lease back."""
        try:
            while True:
                await self._acquire()
                log.info("leading", lease=self._name, identity=self.identity)
                await self._lead(lead)
                log.warning("lease lost", lease=self._name, identity=self.identity)
        finally:
            await asyncio.shield(self._release())

    async def _acquire(self) -> None:
        told = ""
        while not await self._attempt():
            holder = self._foreign[0] if self._foreign else ""
            if holder != told:
                told = holder
                log.info("standing by", lease=self._name, holder=holder)
            await asyncio.sleep(self._seconds / 7.5)

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Until the lease is lost, or `lead` ends."""
        work = asyncio.ensure_future(lead())
        pause = self._seconds / 3
        try:
            while self.held:
                wait = min(pause, max(self._until - self._clock(), 0.0))
                done, _ = await asyncio.wait((work,), timeout=wait)
                if done:
                    work.result()
                    return
                # Asked more often as long as it fails: there is less and less time.
                pause = self._seconds / (3 if await self._attempt() else 15)
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _attempt(self) -> bool:
        """Take or renew the lease; whether it worked."""
        asked = self._clock()
        try:
            async with asyncio.timeout(self._seconds / 3):
                written = await self._write()
        except (GuildNetError, TimeoutError) as error:
            if not isinstance(error, Conflict):  # somebody else's write came first: the next attempt tells whose
                log.warning("lease not written", lease=self._name, error=str(error) or "no answer")
            return False
        self._ours = written
        self._until = asked + self._seconds * 2 / 3
        return written is not None

    async def _write(self) -> Json | None:
        """The Lease as ours; None where another one holds it."""
        try:
            live = await self._client.get(LEASES, self._namespace, self._name)
        except NotFound:
            metadata = {"name": self._name, "ownerReferences": await self._owners(), "annotations": self.report()}
            body = {"metadata": metadata, "spec": self._spec({})}
            return await self._client.create(LEASES, self._namespace, body, field_manager=FIELD_MANAGER_OPERATOR)
        if not self._free(live):
            return None
        return await self._replace(live, self._spec(live.get("spec") or {}))

    async def _owners(self) -> list[Json]:
        """The account of the same name: the Lease is made here, and has to go with the install all the same."""
        try:
            found = await self._client.get(SERVICEACCOUNTS, self._namespace, self._name)
        except (NotFound, Denied):
            return []
        return [{"apiVersion": "v1", "kind": "ServiceAccount", "name": self._name, "uid": found["metadata"]["uid"]}]

    async def _replace(self, live: Json, spec: Json) -> Json:
        # With the version that was read: of two that find it free one gets it.
        metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **self.report()}
        body = {"metadata": metadata, "spec": spec}
        return await self._client.replace(
            LEASES, self._namespace, self._name, body, field_manager=FIELD_MANAGER_OPERATOR
        )

    def _free(self, live: Json) -> bool:
        """Is it ours, nobody's, or one whose holder has said nothing for as long as it promised to?"""
        spec = live.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self.identity):
            self._foreign = None
            return True
        renewed = str(spec.get("renewTime"))
        if self._foreign is None or self._foreign[:2] != (holder, renewed):
            self._foreign = holder, renewed, self._clock()
        return self._clock() - self._foreign[2] >= (spec.get("leaseDurationSeconds") or self._seconds)

    def _spec(self, old: Json) -> Json:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        same = old.get("holderIdentity") == self.identity
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": old.get("acquireTime") or now if same else now,
            "renewTime": now,
            "leaseTransitions": (old.get("leaseTransitions") or 0) + (0 if same else 1),
        }

    async def _release(self) -> None:
        """Let the next one begin at once. What fails here heals by itself when the time is up."""
        ours, self._ours = self._ours, None
        if ours is None:
            return
        spec = {**ours["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        with contextlib.suppress(GuildNetError, TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT_SECONDS):
                await self._replace(ours, spec)
                log.info("lease given back", lease=self._name)
