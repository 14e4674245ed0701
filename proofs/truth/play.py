"""Plays all cells of one way to fail beside each other: an operator, a real API server, and a proxy that fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from guildnet.kube.client import Client
from guildnet.kube.resources import PODS, SECRETS, WORKSPACES
from guildnet.names import API_VERSION
from proofs.crash.stage import Stage, stage
from proofs.truth.cells import ANSWERS, DELETED, FINALIZER, SILENT, SPEC, WITHIN_SECONDS, Cell, cells, complaint
from support.apirequest import ApiRequest
from support.apiserver import ApiServer
from support.waiting import eventually

STAYS_SECONDS: Final = 3.0
"""How long the status is looked at after it has to be right: it has to stay so."""
EVERY_SECONDS: Final = 0.2
_BODIES: Final[dict[str, dict[str, Any]]] = {
    "deployment": {
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "main", "image": "x"}]},
            },
        }
    },
    "service": {"spec": {"ports": [{"port": 80}]}},
    "claim": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    "secret": {"stringData": {"password": "x"}},
    "ingress": {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}},
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One cell played: after how many seconds the status was right, None for never, and what was wrong in the end."""

    cell: Cell
    seconds: float | None
    complaint: str

    @property
    def good(self) -> bool:
        return self.seconds is not None and self.seconds <= WITHIN_SECONDS and not self.complaint


async def play(server: ApiServer, kube: Client, directory: Path, fault: str) -> list[Seen]:
    """All cells of this way to fail, in a namespace of their own."""
    table = cells(fault)
    async with stage(server, kube, directory, direct_exposure=True, reconcile_workers=2 * len(table)) as played:
        await _run(played, [cell.name for cell in table if cell.running])
        _break(played, table)
        try:
            return list(await asyncio.gather(*(_played(played, cell) for cell in table)))
        finally:
            played.proxy.hold = lambda _: False
            played.proxy.answer_for = lambda _: None
            await _let_go(played, table)


async def _run(played: Stage, names: Iterable[str]) -> None:
    """The Workspaces that run before anything fails."""
    for name in names:
        await played.world.launch(name, **SPEC)
    for name in names:
        await played.world.until_condition(name, "Ready", "True")
    await eventually(played.idle, within=30)


def _break(played: Stage, table: list[Cell]) -> None:
    broken = {(cell.resource.plural, cell.child): cell.fault for cell in table}

    def fault_of(asked: ApiRequest) -> str | None:
        return broken.get((asked.resource, asked.name)) if asked.is_write else None

    def answer_for(asked: ApiRequest) -> web.StreamResponse | None:
        found = ANSWERS.get(fault_of(asked) or "")
        if found is None:
            return None
        body = {"kind": "Status", "code": found.code, "reason": found.status_reason, "message": found.message}
        return web.Response(status=found.code, text=json.dumps(body), content_type="application/json")

    played.proxy.answer_for = answer_for
    played.proxy.hold = lambda asked: fault_of(asked) == SILENT


async def _played(played: Stage, cell: Cell) -> Seen:
    clock = asyncio.get_running_loop().time
    await (_disturb(played, cell) if cell.running else _begin(played, cell))
    began, right = clock(), None
    wrong = "no status"
    while clock() - began < WITHIN_SECONDS + STAYS_SECONDS:
        wrong = complaint(cell, await played.world.status(cell.name))
        if right is None and not wrong:
            right = clock() - began
        await asyncio.sleep(EVERY_SECONDS)
    return Seen(cell, right, wrong)


async def _begin(played: Stage, cell: Cell) -> None:
    """Make the Workspace, after what one of that name left, where it is about deletion."""
    if cell.fault == DELETED:
        owner = {"apiVersion": API_VERSION, "kind": "Workspace", "name": cell.name, "uid": "gone", "controller": True}
        metadata = {"name": cell.child, "ownerReferences": [owner], "finalizers": [FINALIZER]}
        await played.world.kube.create(
            cell.resource, played.world.namespace, {"metadata": metadata, **_BODIES[cell.kind]}
        )
        await played.world.kube.delete(cell.resource, played.world.namespace, cell.child)
    await played.world.launch(cell.name, **SPEC)


async def _disturb(played: Stage, cell: Cell) -> None:
    """Let its child need a write, or go, and its pod answer no more."""
    world = played.world
    if cell.fault == DELETED:
        hold = {"metadata": {"finalizers": [FINALIZER]}}
        await world.kube.merge_patch(cell.resource, world.namespace, cell.child, hold)
        await world.kube.delete(cell.resource, world.namespace, cell.child)
    elif cell.resource == SECRETS:
        await world.kube.delete(SECRETS, world.namespace, cell.child)
    else:
        other = {"metadata": {"labels": {"app.kubernetes.io/part-of": "another"}}}
        await world.kube.merge_patch(cell.resource, world.namespace, cell.child, other, field_manager="somebody")
    (pod,) = await world.pods(cell.name)
    status = pod["status"]
    lost = ("Ready", "ContainersReady")  # the kubelet says both
    conditions = [{**item, "status": "False"} if item["type"] in lost else item for item in status["conditions"]]
    patch: dict[str, Any] = {"conditions": conditions}
    if cell.resource == SECRETS:
        waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": "secret not found"}}
        patch["containerStatuses"] = [{**item, "state": waiting} for item in status["containerStatuses"]]
    await world.kube.merge_patch(
        PODS, world.namespace, pod["metadata"]["name"], {"status": patch}, subresource="status"
    )


async def _let_go(played: Stage, table: list[Cell]) -> None:
    """Take our finalizers away, or the namespace could never be removed."""
    world = played.world
    for cell in table:
        await world.kube.delete(WORKSPACES, world.namespace, cell.name)
    for cell in table:
        if cell.fault == DELETED and await world.find(cell.resource, cell.child) is not None:
            nothing = {"metadata": {"finalizers": None}}
            await world.kube.merge_patch(cell.resource, world.namespace, cell.child, nothing)
