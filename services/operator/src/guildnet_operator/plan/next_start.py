"""The plan of a workspace that runs: the install's settings reach its pod at its next start. Pure.

What the install puts into a pod template is recorded on the Deployment. While the workspace runs and its own spec stays
as it is, its template is planned by that record; it is planned by the present settings when it starts, when it is
stopped, and when its own spec replaces the pod anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from guildnet.names import ANNOTATION_SETTINGS, ANNOTATION_TEMPLATE
from guildnet.workspace import Workspace
from guildnet_operator.plan import extras
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.manifests import template_hash
from guildnet_operator.plan.plan import Plan, PodSettings, Policy

_LISTS: Final = frozenset(item.name for item in fields(PodSettings) if isinstance(item.default, tuple))


def plan_for(
    workspace: Workspace,
    policy: Policy,
    live: Mapping[str, Any] | None,
    *,
    never_ran: Callable[[], bool],
    admitted: bool = True,
) -> Plan:
    """The plan by the present settings, or by those its pod was started with; `pending` says what differs then.

    `live` is the Deployment of this very Workspace, None where there is none. `never_ran` is asked where it matters: is
    its pod one that waits for something and has not run yet? Such a pod loses nothing by being replaced.
    """
    now = decide(workspace, policy, admitted=admitted)
    if live is None or not now.replicas or not live["spec"].get("replicas"):
        return now
    annotations = live["metadata"].get("annotations") or {}
    record = annotations.get(ANNOTATION_SETTINGS)
    if record is None or record == now.settings:
        return now
    started_with = recorded(record)
    if started_with is None:
        return now
    kept = decide(workspace, replace(policy, pod=started_with), admitted=admitted)
    before = template_hash(kept)
    its_own_change = before != annotations.get(ANNOTATION_TEMPLATE)
    if its_own_change or before == template_hash(now) or never_ran():
        return now
    return replace(kept, settings=record, pending=changes(kept, now))


def recorded(text: str) -> PodSettings | None:
    """The settings of a record; None where it is none. A setting that it does not have has its neutral value."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    values: dict[str, Any] = {
        item.name: tuple(found[item.name]) if item.name in _LISTS else found[item.name]
        for item in fields(PodSettings)
        if item.name in found
    }
    return PodSettings(**values)


def changes(kept: Plan, now: Plan) -> tuple[str, ...]:
    """What the next start changes in the pod, each in a few words."""
    said = (
        _from_to("pull secret", kept.pull_secret, now.pull_secret),
        _tolerance(kept, now),
        _from_to("probe", _kind(kept), _kind(now)),
        _from_to("authorities", kept.ca_configmap, now.ca_configmap),
        *extras.changes(kept.extras, now.extras),
        _login(kept, now),
    )
    return tuple(words for words in said if words)


def _from_to(what: str, before: str | None, after: str | None) -> str | None:
    return None if before == after else f"{what} {after or 'none'} instead of {before or 'none'}"


def _tolerance(kept: Plan, now: Plan) -> str | None:
    if kept.tolerate_control_plane == now.tolerate_control_plane:
        return None
    return f"it {'may' if now.tolerate_control_plane else 'may not'} run on control-plane nodes"


def _login(kept: Plan, now: Plan) -> str | None:
    if kept.password_secret == now.password_secret:
        return None
    return f"its login is by {now.password_secret or 'none'} instead of {kept.password_secret or 'none'}"


def _kind(plan: Plan) -> str | None:
    return plan.probe.type if plan.probe else None
