"""Everything that happened to Workspaces and Deployments, in the one order that etcd gave it, and what was ever so.

Two watches do not arrive in step. Their events carry the revision at which they happened, so put in that order they say
exactly how many workspaces could run at any moment, and not only how many there were when somebody looked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from guildnet.kube import watchevent
from guildnet.kube.client import Client, Query
from guildnet.kube.resources import DEPLOYMENTS, WORKSPACES, Resource, path

ADMITTED: Final = "Admitted"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event: of a Workspace whether it may run by its status and is to, of a Deployment whether it is scaled up."""

    revision: int
    kind: str
    uid: str
    """Of the Workspace; a Deployment's is that of its owner."""
    owner: str
    there: bool
    counts: bool


def read(event: dict[str, Any]) -> Happened:
    item = event["object"]
    meta, spec = item["metadata"], item.get("spec") or {}
    revision, there = int(meta["resourceVersion"]), event["type"] != "DELETED"
    if item["kind"] == "Deployment":
        uid = next((ref["uid"] for ref in meta.get("ownerReferences") or () if ref.get("controller")), "")
        return Happened(revision, "Deployment", uid, "", there, bool(spec.get("replicas")))
    owner = (meta.get("annotations") or {}).get("guildnet.io/owner", "")
    told = {one["type"]: one["status"] for one in (item.get("status") or {}).get("conditions") or ()}
    counts = spec.get("running", True) and told.get(ADMITTED) == "True" and not meta.get("deletionTimestamp")
    return Happened(revision, "Workspace", meta["uid"], owner, there, bool(counts))


@dataclass(frozen=True, slots=True)
class Most:
    """The most workspaces of one owner that ever were at once: admitted and to run, and scaled up."""

    admitted: int
    scaled: int


def most(events: Iterable[Happened], owner: str) -> Most:
    """A Deployment counts while its Workspace is there: what the garbage collector has yet to take was deleted."""
    there: set[str] = set()
    admitted: set[str] = set()
    scaled: set[str] = set()
    found = Most(0, 0)
    for event in sorted(events, key=lambda event: event.revision):
        if event.kind == "Workspace":
            if event.owner != owner:
                continue
            _put(there, event.uid, is_in=event.there)
            _put(admitted, event.uid, is_in=event.there and event.counts)
        else:
            _put(scaled, event.uid, is_in=event.there and event.counts)
        found = Most(max(found.admitted, len(admitted)), max(found.scaled, len(scaled & there)))
    return found


def _put(members: set[str], uid: str, *, is_in: bool) -> None:
    (members.add if is_in else members.discard)(uid)


@dataclass
class History:
    """What was seen so far."""

    events: list[Happened] = field(default_factory=list)


@asynccontextmanager
async def recorded(kube: Client, namespace: str) -> AsyncIterator[History]:
    """Everything from now on. Raises AssertionError at the end where a watch broke: what it missed nobody knows."""
    history = History()
    begun = [await kube.list(resource, namespace, limit=1) for resource in (WORKSPACES, DEPLOYMENTS)]
    assert not any(page["items"] for page in begun), "the namespace is not empty"
    tasks = [
        asyncio.create_task(_watch(kube, namespace, resource, page["metadata"]["resourceVersion"], history))
        for resource, page in zip((WORKSPACES, DEPLOYMENTS), begun, strict=True)
    ]
    try:
        yield history
        await asyncio.sleep(1.0)
        assert not any(task.done() for task in tasks), "a watch has ended"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(kube: Client, namespace: str, resource: Resource, version: str, history: History) -> None:
    """A watch ends when the API server likes; it goes on behind the last event, and nothing is missed."""
    while True:
        query: Query = {"watch": True, "resourceVersion": version, "allowWatchBookmarks": True, "timeoutSeconds": 3000}
        stream = kube.stream(path(resource, namespace), query, idle=600.0)
        async with aclosing(stream):
            async for line in stream:
                event = watchevent.decoded(line)
                assert event["type"] != "ERROR", event
                version = str(event["object"]["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    history.events.append(read(event))
