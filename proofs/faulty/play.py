"""Plays the faults on the cluster: makes each workspace, listens to its conditions, and takes everything away again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from guildnet.kube.client import Client, connect
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import WORKSPACES
from proofs.faulty.judge import BOUND_SECONDS, HOLD_SECONDS, Conditions, Verdict, judge, says
from proofs.faulty.table import Fault
from support.local import NAMESPACE, Local, workspace
from support.waiting import eventually

AT_ONCE: Final = 4
EXTRA_SECONDS: Final = 10.0
"""For so long after the bound it is listened all the same, to tell late from never."""
EVERY: Final = 0.05


@dataclass(slots=True)
class Listener:
    """Everything that the conditions of each Workspace said, and when."""

    kube: Client
    said: dict[str, list[tuple[float, Conditions]]] = field(default_factory=lambda: defaultdict(list))

    def changed(self, change: Change[Any]) -> None:
        if change.new is not None:
            conditions = (change.new.get("status") or {}).get("conditions") or ()
            self.said[change.key].append((time.monotonic(), {item["type"]: item for item in conditions}))

    def since(self, name: str, began: float) -> list[tuple[float, Conditions]]:
        return [(at - began, conditions) for at, conditions in self.said[name] if at >= began]

    async def verdict(self, fault: Fault, name: str, began: float) -> Verdict:
        """Listen until it is named and for a while after that, or until there is no hope."""
        with contextlib.suppress(AssertionError):
            await eventually(
                lambda: any(says(fault, said) for _, said in self.since(name, began)),
                within=BOUND_SECONDS + EXTRA_SECONDS, every=EVERY,
            )  # fmt: skip
            await asyncio.sleep(HOLD_SECONDS)
        return judge(fault, self.since(name, began), until=time.monotonic() - began)


@contextlib.asynccontextmanager
async def listening(local: Local) -> AsyncIterator[Listener]:
    """A watch of the Workspaces, open before any of them is made."""
    async with connect(local.kubeconfig, user_agent="guildnet-tests") as kube:
        listener = Listener(kube)
        watch = Reflector(kube, WORKSPACES, namespace=NAMESPACE, parse=dict, on_change=listener.changed)
        running = asyncio.create_task(watch.run())
        try:
            await watch.synced.wait()
            yield listener
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def play(listener: Listener, local: Local, fault: Fault, name: str) -> Verdict:
    """One fault, from before the Workspace is made until nothing of it is left."""
    beside = fault.beside(name) if fault.beside else None
    if beside is not None:
        await asyncio.to_thread(local.apply, beside)
    try:
        began = time.monotonic()
        await listener.kube.create(WORKSPACES, NAMESPACE, workspace(name, fault.image, **fault.spec))
        if fault.then is not None:
            await fault.then(listener.kube, name)
            began = time.monotonic()
        found = await listener.verdict(fault, name, began)
    finally:
        # Not waited for: what ignores SIGTERM takes half a minute to go, and no name is used twice.
        await asyncio.to_thread(
            local.kubectl, "-n", NAMESPACE, "delete", "workspace", name, "--ignore-not-found", "--wait=false"
        )
        if beside is not None:
            kind, other = beside["kind"], beside["metadata"]["name"]
            await asyncio.to_thread(local.kubectl, "-n", NAMESPACE, "delete", kind, other)
    tell(fault, found)
    return found


async def play_all(listener: Listener, local: Local, faults: tuple[Fault, ...]) -> list[Verdict]:
    """Some at a time; those that would be in the way of others one by one, after them."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, fault: Fault) -> Verdict:
        async with places:
            return await play(listener, local, fault, name_of(number))

    numbered = list(enumerate(faults))
    together = await asyncio.gather(*(one(number, fault) for number, fault in numbered if not fault.alone))
    return [*together, *[await one(number, fault) for number, fault in numbered if fault.alone]]


def name_of(number: int) -> str:
    """The name of the Workspace of one fault."""
    return f"proof-fault-{number}"


def tell(fault: Fault, found: Verdict) -> None:
    when = "not named" if found.seconds is None else f"{found.seconds:4.1f} s"
    wrong = f"  NOT AS IT SHOULD BE: {found.complaint}" if found.complaint else ""
    print(f"  {fault.what:<42}{when:>10}  {found.last[:150]}{wrong}", flush=True)
