"""Create → Ready of a Workspace against a Deployment and a Service as a person writes them, until they answer.

The bare Deployment has an image and a port, and nothing of ours: no probe, variable, volume or security context. So it
counts as available when its container runs, which says nothing of whether it answers. What is compared is what a person
waits for: that the Workspace says Ready, and that the bare one's port answers HTTP. Both are asked at their pod, every
10 ms, and both have all four times printed.

A kubelet looks at its containers once a second: a pod is gone, and one becomes ready, at that moment. So the rounds
begin at moments spread over a second, as people's do, and not all right after the end of the one before.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from guildnet.kube.client import Client, connect
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import DEPLOYMENTS, NAMESPACES, PODS, SERVICES, WORKSPACES, Resource
from guildnet_local.machine.namespaces import within
from proofs import Figure
from proofs.canary.faults import NET
from support.local import NAMESPACE, Local, bring_up, workspace
from support.waiting import eventually

ROUNDS, FEW = 5, 3
BOUND_SECONDS = 1.0
WITHIN_SECONDS = 120.0
EVERY_SECONDS = 0.01
OWN_NAMESPACE = "guildnet-ready-time"
"""Of the bare Deployments: a plain one, since what a person writes would not be admitted to that of the workspaces."""
IMAGE, PORT = "guildnet/jupyterlab:0.1.0", 8888
SPEC: dict[str, Any] = {"ports": [{"name": "http", "containerPort": PORT, "pathMode": "Preserve"}]}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the create until it says that it is ready, and until its port answers."""

    ready: float
    answers: float


@dataclass(slots=True)
class Seen:
    """What the watches brought, by name: when an object became ready, and the addresses of pods."""

    ready: dict[str, float] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def changed(self, change: Change[Json]) -> None:
        now, found = time.monotonic(), change.new
        if found is None:
            return
        kind = {"Workspace": "Ready", "Deployment": "Available"}.get(found["kind"])
        status = found.get("status") or {}
        if kind is None and status.get("podIP"):
            self.addresses.setdefault(found["metadata"]["labels"]["name"], status["podIP"])
        holds = any(item["type"] == kind and item["status"] == "True" for item in status.get("conditions") or ())
        if kind is not None and holds:
            self.ready.setdefault(found["metadata"]["name"], now)


@contextlib.asynccontextmanager
async def watches(kube: Client) -> AsyncIterator[Seen]:
    """The watches are open, from before anything is made."""
    seen = Seen()

    def reflector(resource: Resource, namespace: str) -> Reflector[Json]:
        def parse(found: Json) -> Json:
            labels = found["metadata"].get("labels") or {}
            name = labels.get("guildnet.io/workspace") or labels.get("app", "")
            return {**found, "kind": resource.kind, "metadata": {**found["metadata"], "labels": {"name": name}}}

        return Reflector(kube, resource, namespace=namespace, parse=parse, on_change=seen.changed)

    kinds = ((WORKSPACES, NAMESPACE), (PODS, NAMESPACE), (DEPLOYMENTS, OWN_NAMESPACE), (PODS, OWN_NAMESPACE))
    reflectors = [reflector(*item) for item in kinds]
    running = [asyncio.create_task(item.run()) for item in reflectors]
    try:
        for item in reflectors:
            await item.synced.wait()
        await asyncio.sleep(1.0)
        yield seen
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def answers_at(address: str) -> float:
    """When the port answered HTTP first, whatever it said. Raises AssertionError after two minutes."""
    until = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((address, PORT), timeout=1.0) as asked:
            asked.settimeout(5.0)
            asked.sendall(f"GET / HTTP/1.1\r\nHost: {address}:{PORT}\r\nConnection: close\r\n\r\n".encode())
            if asked.recv(5) == b"HTTP/":
                return time.monotonic()
        time.sleep(EVERY_SECONDS)
    raise AssertionError(f"{address}:{PORT} does not answer")


async def _timed(seen: Seen, kube: Client, bodies: list[tuple[Resource, Json]]) -> Times:
    """Create the objects, the first of which is named like its pod, and wait until it is ready and answers."""
    name = bodies[0][1]["metadata"]["name"]
    began = time.monotonic()
    for resource, body in bodies:
        await kube.create(resource, body["metadata"]["namespace"], body)
    address = await eventually(lambda: seen.addresses.get(name), within=WITHIN_SECONDS, every=EVERY_SECONDS)
    answered = await asyncio.to_thread(within, Path(NET), lambda: answers_at(address))
    ready = await eventually(lambda: seen.ready.get(name), within=WITHIN_SECONDS, every=EVERY_SECONDS)
    return Times(ready - began, answered - began)


def bare(name: str) -> list[tuple[Resource, Json]]:
    """What a person writes who wants this image to run and to be found."""
    meta, labels = {"name": name, "namespace": OWN_NAMESPACE}, {"app": name}
    container = {"name": "jupyterlab", "image": IMAGE, "ports": [{"containerPort": PORT}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return [
        (DEPLOYMENTS, {"metadata": meta, "spec": spec}),
        (SERVICES, {"metadata": meta, "spec": {"selector": labels, "ports": [{"port": PORT}]}}),
    ]


async def _measured(local: Local, rounds: int) -> tuple[list[Times], list[Times]]:
    ours: list[Times] = []
    theirs: list[Times] = []
    async with connect(local.kubeconfig, user_agent="guildnet-tests") as kube:
        await kube.create(NAMESPACES, None, {"metadata": {"name": OWN_NAMESPACE}})
        try:
            async with watches(kube) as seen:
                for number in range(1, rounds + 1):
                    name = f"proof-ready-{number}"
                    await asyncio.sleep((number - 1) / rounds)
                    ours.append(await _timed(seen, kube, [(WORKSPACES, workspace(name, IMAGE, **SPEC))]))
                    await asyncio.to_thread(local.delete_workspace, name)
                    theirs.append(await _timed(seen, kube, bare(f"bare-{number}")))
                    await asyncio.to_thread(_away, local, f"bare-{number}")
                    print(f"  round {number}: Workspace {_told(ours[-1])}; bare {_told(theirs[-1])}", flush=True)
        finally:
            for number in range(1, rounds + 1):
                await asyncio.to_thread(local.delete_workspace, f"proof-ready-{number}")
            await asyncio.to_thread(local.kubectl, "delete", "namespace", OWN_NAMESPACE)
    return ours, theirs


def _away(local: Local, name: str) -> None:
    local.kubectl("-n", OWN_NAMESPACE, "delete", f"deployment/{name}", f"service/{name}", "--cascade=foreground")


def _told(times: Times) -> str:
    return f"Ready after {times.ready:.2f} s, answers after {times.answers:.2f} s"


def prove(*, quick: bool = False) -> Figure:
    bring_up()
    rounds = FEW if quick else ROUNDS
    local = Local()
    for number in range(1, rounds + 1):
        local.delete_workspace(f"proof-ready-{number}")
    local.kubectl("delete", "namespace", OWN_NAMESPACE, "--ignore-not-found")
    ours, theirs = asyncio.run(_measured(local, rounds))
    ready, answers = median(item.ready for item in theirs), median(item.answers for item in theirs)
    added = median(item.ready for item in ours) - answers
    text = (
        f"median of {rounds}: Workspace Ready after {median(item.ready for item in ours):.2f} s (answers after "
        f"{median(item.answers for item in ours):.2f} s); bare Deployment answers after {answers:.2f} s (available "
        f"after {ready:.2f} s); added {added:+.2f} s (≤ {BOUND_SECONDS:g})"
    )
    return Figure(text, added <= BOUND_SECONDS)
