"""Deletion of every workspace that the caller may stop this way: the emergency brake of an install.

It goes on past a failure and says what it did, and what it could not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet.access import Action, Decision, Target
from guildnet.errors import FieldError, GuildNetError, NotFound, Unreachable
from guildnet.kube.resources import WORKSPACES
from guildnet.workspace import Workspace
from guildnet_api import errors
from guildnet_api.access.audit import Actor
from guildnet_api.access.authorize import target_of
from guildnet_api.deps import Services, actor
from guildnet_api.http.params import flag, json_response

AT_ONCE: Final = 8
"""Deletions under way together: quick for thousands, and no storm for an API server that may be why this is asked."""

Allowed = Sequence[tuple[Workspace, Decision]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A workspace that could not be deleted, and why."""

    name: str
    error: GuildNetError


async def stop_all(api: Services, request: Request) -> Response:
    """`{deleted: [ids]}`. Raises Denied where the caller may stop none of those it knows of.

    Where some could not be deleted: an error `incomplete`, with the ids that were and a detail for each that was not.
    """
    who, dry = actor(request), flag(request, "dryRun")
    if not api.watches.synced:
        raise Unreachable("The list is still being read from the cluster; try again in a moment.", code="not_ready")
    allowed = _allowed(api, who)
    if dry:
        return json_response({"deleted": [ws.name for ws, _ in allowed], "dryRun": True})
    failures = await _delete(api, who, allowed)
    failed = {failure.name for failure in failures}
    deleted = [ws.name for ws, _ in allowed if ws.name not in failed]
    if not failures:
        return json_response({"deleted": deleted})
    if not deleted:
        raise failures[0].error
    return _incomplete(who, deleted, failures)


def _allowed(api: Services, who: Actor) -> Allowed:
    """What the caller may stop this way. Raises Denied where that is none of those it knows of."""
    if Action.STOP_ALL not in api.authorizer.possible_actions(who.identity):
        api.authorizer.require(who, Action.STOP_ALL, "everything", Target())
    visible = api.authorizer.list_filter(who.identity)
    known = [ws for ws in api.watches.index.all() if not ws.deleting and (visible is None or visible(ws))]
    known.sort(key=lambda ws: ws.name)
    decided = [(ws, api.authorizer.decide(who.identity, Action.STOP_ALL, target_of(ws))) for ws in known]
    allowed = [(ws, decision) for ws, decision in decided if decision.allowed]
    if known and not allowed:
        api.authorizer.enforce(who, Action.STOP_ALL, "any of the workspaces there are", decided[0][1])
    return allowed


async def _delete(api: Services, who: Actor, allowed: Allowed) -> Sequence[Failure]:
    """The failures, in the order of the names."""
    pace = asyncio.Semaphore(AT_ONCE)

    async def one(ws: Workspace, decision: Decision) -> Failure | None:
        async with pace:
            try:
                await _delete_one(api, who, ws, decision)
            except GuildNetError as error:
                return Failure(ws.name, error)
        return None

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one(ws, decision)) for ws, decision in allowed]
    return [failure for task in running if (failure := task.result()) is not None]


async def _delete_one(api: Services, who: Actor, ws: Workspace, decision: Decision) -> None:
    api.audit.allowed(who, Action.STOP_ALL, ws.name, decision)
    try:
        await api.client.delete(WORKSPACES, api.settings.k8s_namespace, ws.name, uid=ws.uid)
    except NotFound as error:
        if error.reason != "NotFound":  # the kind itself, or the path, is not there
            api.audit.failed(who, Action.STOP_ALL, ws.name, decision, error)
            raise
    except GuildNetError as error:
        api.audit.failed(who, Action.STOP_ALL, ws.name, decision, error)
        raise


def _incomplete(who: Actor, deleted: Sequence[str], failures: Sequence[Failure]) -> Response:
    told = [FieldError(failure.name, errors.told(failure.error).message) for failure in failures]
    message = f"{len(failures)} of {len(failures) + len(deleted)} workspaces could not be deleted. Ask again."
    error = Unreachable(message, code="incomplete", details=told)
    return errors.response(error, who.request_id, more={"deleted": deleted})
