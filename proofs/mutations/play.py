"""One leaf played: refused where it is wrong, shown where it is right, and everything as it was after going back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from guildnet.errors import Conflict, Invalid
from guildnet.kube.resources import DEPLOYMENTS, INGRESSES, PVCS, SERVICES, WORKSPACES, Resource
from proofs.crash.normal import State, differences, state
from proofs.crash.stage import Stage
from proofs.mutations.leaves import BASE, CLASS, OTHER_CLASS, Json, Leaf
from support.waiting import eventually

STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
KINDS = ((DEPLOYMENTS, ""), (SERVICES, ""), (PVCS, "-storage"), (INGRESSES, ""))
WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one leaf; a text says what went wrong, an empty one that it went right."""

    leaf: Leaf
    refused: str
    shown: str
    restored: str

    @property
    def good(self) -> bool:
        return not (self.refused or self.shown or self.restored)


async def classes(stage: Stage) -> None:
    """Storage classes whose volumes can grow; the volumes themselves are made by hand."""
    for name in (CLASS, OTHER_CLASS):
        body = {"metadata": {"name": name}, "provisioner": "example.com/by-hand", "allowVolumeExpansion": True}
        try:
            await stage.world.kube.create(STORAGE_CLASSES, None, body)
        except Conflict:
            continue


async def play(stage: Stage, leaf: Leaf, name: str) -> Outcome:
    """Play one leaf on a Workspace of its own."""
    volume = f"{stage.world.namespace}-{name}"
    first = leaf.changed(valid=True) if leaf.at_creation else BASE
    await _volume(stage, volume, name, first["storage"]["storageClassName"])
    try:
        await stage.world.launch(name, **first)
        before = await _settled(stage, name)
        refused = await _refused(stage, leaf, name)
        if leaf.at_creation:
            return Outcome(leaf, refused, await _shown(stage, leaf, name), await _no_way_back(stage, leaf, name))
        await _put(stage, name, leaf.changed(valid=True))
        shown = await _shown(stage, leaf, name)
        return Outcome(leaf, refused, shown, await _back(stage, leaf, name, before))
    except AssertionError as error:
        # It may not have come to the rest: what was not tried is not as promised.
        return Outcome(leaf, str(error), str(error), str(error))
    finally:
        await stage.world.kube.delete(VOLUMES, None, volume)


async def _volume(stage: Stage, volume: str, name: str, of_class: str) -> None:
    body = {
        "metadata": {"name": volume},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": of_class,
            "claimRef": {"namespace": stage.world.namespace, "name": f"{name}-storage"},
            "hostPath": {"path": "/nowhere"},
        },
    }
    await stage.world.kube.create(VOLUMES, None, body)


async def _put(stage: Stage, name: str, spec: Json) -> None:
    """Replace the spec as a person with an editor does; the operator may write the status meanwhile."""
    while True:
        live = await stage.world.get(WORKSPACES, name)
        try:
            await stage.world.kube.replace(WORKSPACES, stage.world.namespace, name, {**live, "spec": spec})
        except Conflict:
            continue
        return


async def _refused(stage: Stage, leaf: Leaf, name: str) -> str:
    try:
        await _put(stage, name, leaf.changed(valid=False))
    except Invalid as error:
        return "" if leaf.field in error.message else f"refused without naming {leaf.field}: {error.message[:200]}"
    return f"{leaf.invalid!r} was accepted"


async def _shown(stage: Stage, leaf: Leaf, name: str) -> str:
    find = leaf.shows
    if find is None:
        return ""

    async def shows() -> bool:
        try:
            return bool(find(await _children(stage, name)) == leaf.wanted)
        except (KeyError, IndexError):
            return False

    try:
        await eventually(shows, within=WITHIN, every=0.1)
    except AssertionError:
        return f"{leaf.wanted!r} does not show in the children"
    return ""


async def _back(stage: Stage, leaf: Leaf, name: str, before: State) -> str:
    if leaf.one_way:
        return await _no_way_back(stage, leaf, name)
    await _put(stage, name, BASE)

    async def same() -> bool:
        return await _state(stage, name) == before

    try:
        await eventually(same, within=WITHIN, every=0.2)
    except AssertionError:
        return "; ".join(differences(before, await _state(stage, name))[:3])
    return ""


async def _no_way_back(stage: Stage, leaf: Leaf, name: str) -> str:
    words = leaf.one_way or "cannot change"
    try:
        await _put(stage, name, BASE)
    except Invalid as error:
        right = words in error.message and leaf.field in error.message
        return "" if right else f"going back is refused without the words: {error.message[:200]}"
    return "going back was accepted, although it cannot be done"


async def _settled(stage: Stage, name: str) -> State:
    for kind in ("Ready", "StorageReady"):
        await stage.world.until_condition(name, kind, "True")
    last: State = {}

    async def same() -> bool:
        nonlocal last
        before, last = last, await _state(stage, name)
        return before == last

    await eventually(same, within=WITHIN, every=0.3)
    return last


async def _state(stage: Stage, name: str) -> State:
    """The Workspace and its children, without what only counts changes."""
    found = await state(stage.world.kube, stage.world.namespace)
    own = {key: item for key, item in found.items() if key.partition("/")[2] in (name, f"{name}-storage")}
    return {key: _uncounted(item) for key, item in own.items()}


def _uncounted(item: Any) -> Any:
    """Without generations, and without which of our writes was the last: both say that something was changed."""
    if isinstance(item, dict):
        dropped = ("generation", "observedGeneration", "managed", "deployment.kubernetes.io/revision")
        return {key: _uncounted(value) for key, value in item.items() if key not in dropped}
    return [_uncounted(value) for value in item] if isinstance(item, list) else item


async def _children(stage: Stage, name: str) -> dict[str, Any]:
    found = await asyncio.gather(*(stage.world.find(resource, name + suffix) for resource, suffix in KINDS))
    return {resource.kind: item for (resource, _), item in zip(KINDS, found, strict=True) if item is not None}
