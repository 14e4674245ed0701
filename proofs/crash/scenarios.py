"""What people do to workspaces, as scripts. Every step waits for its end, so that two runs write the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from guildnet.kube.resources import DEPLOYMENTS, INGRESSES, NETWORKPOLICIES, PVCS, SECRETS, SERVICES, WORKSPACES
from proofs.crash.hands import Hands

Scenario = Callable[[Hands], Awaitable[None]]

CODE_SERVER: Final = "example.com/code-server:1"
STORAGE: Final = MappingProxyType({"size": "1Gi"})
KEPT: Final = MappingProxyType({"size": "1Gi", "retain": True})


async def create(hands: Hands) -> None:
    await hands.launch("one")
    await hands.ready("one")


async def create_password(hands: Hands) -> None:
    await hands.launch("one", image=CODE_SERVER)
    await hands.ready("one")


async def create_stored(hands: Hands) -> None:
    await hands.launch("one", storage=dict(STORAGE))
    await hands.launch("two", image=CODE_SERVER, storage=dict(KEPT))
    await hands.ready("one", "two")


async def change(hands: Hands) -> None:
    await hands.launch("one", env=[{"name": "A", "value": "1"}], ports=[{"containerPort": 3000}])
    await hands.ready("one")
    await hands.edit("one", image="example.com/app:2")
    await hands.ready("one")
    await hands.edit("one", env=[{"name": "A", "value": "2"}, {"name": "B", "value": "3"}])
    await hands.ready("one")
    await hands.edit("one", ports=[{"containerPort": 4000, "name": "web"}])
    await hands.ready("one")


async def expose(hands: Hands) -> None:
    await hands.launch("one", exposure={"type": "Ingress", "domain": "apps.example.com"})
    await hands.ready("one")
    await hands.edit("one", exposure=None)
    await hands.until_gone(INGRESSES, "one")
    await hands.until_gone(NETWORKPOLICIES, "one-exposure")
    await hands.ready("one")


async def stop_start(hands: Hands) -> None:
    await hands.launch("one", storage=dict(STORAGE))
    await hands.ready("one")
    await hands.edit("one", running=False)
    await hands.stopped("one")
    await hands.edit("one", running=True)
    await hands.ready("one")


async def delete(hands: Hands) -> None:
    await hands.launch("one", image=CODE_SERVER, storage=dict(KEPT))
    await hands.ready("one")
    await hands.kube.delete(WORKSPACES, hands.namespace, "one", propagation="Foreground")
    await hands.children_gone("one")
    await hands.until_gone(SECRETS, "one-password")


async def stop_all(hands: Hands) -> None:
    names = ("one", "two", "three")
    for name in names:
        await hands.launch(name)
    await hands.ready(*names)
    await asyncio.gather(*(hands.delete(WORKSPACES, name) for name in names))
    for name in names:
        await hands.children_gone(name)


async def child_deleted(hands: Hands) -> None:
    await hands.launch("one", image=CODE_SERVER, storage=dict(STORAGE))
    await hands.ready("one")
    for resource in (DEPLOYMENTS, SERVICES):
        uid = await hands.uid(resource, "one")
        await hands.delete(resource, "one")
        await hands.until_another(resource, "one", uid)
        await hands.ready("one")


async def child_edited(hands: Hands) -> None:
    await hands.launch("one")
    await hands.ready("one")
    await hands.tamper(SERVICES, "one", {"spec": {"selector": {"guildnet.io/workspace": "other"}}})
    await hands.says(SERVICES, "one", "spec", "selector", "guildnet.io/workspace", value="one")
    await hands.tamper(DEPLOYMENTS, "one", {"spec": {"replicas": 0}})
    await hands.says(DEPLOYMENTS, "one", "spec", "replicas", value=1)
    await hands.ready("one")


async def deleted_while_down(hands: Hands) -> None:
    await hands.launch("one", image=CODE_SERVER, storage=dict(STORAGE))
    await hands.made("one")
    await hands.operator.stop(kill=True)
    await hands.delete(WORKSPACES, "one")
    await hands.until_gone(WORKSPACES, "one")
    hands.operator.start()
    await hands.children_gone("one")
    await hands.until_gone(SECRETS, "one-password")
    await hands.until_gone(PVCS, "one-storage")


async def replaced_while_down(hands: Hands) -> None:
    await hands.launch("one", storage=dict(STORAGE))
    await hands.ready("one")
    await hands.operator.stop(kill=True)
    await hands.delete(WORKSPACES, "one")
    await hands.until_gone(WORKSPACES, "one")
    await hands.launch("one", image="example.com/app:2")
    hands.operator.start()
    await hands.ready("one")
    await hands.until_gone(PVCS, "one-storage")


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "create": create,
    "create-password": create_password,
    "create-stored": create_stored,
    "change": change,
    "expose": expose,
    "stop-start": stop_start,
    "delete": delete,
    "stop-all": stop_all,
    "child-deleted": child_deleted,
    "child-edited": child_edited,
    "deleted-while-down": deleted_while_down,
    "replaced-while-down": replaced_while_down,
}
