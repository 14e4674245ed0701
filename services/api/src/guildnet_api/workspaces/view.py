"""A Workspace and its pods as the `Server` of the API, and the filters of the list. Pure.

Values that come from Secrets are not known here and stay that way; values that look secret by name or form are masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from guildnet.access import Action, Decision
from guildnet.errors import FieldError, Invalid
from guildnet.names import is_reserved
from guildnet.sensitive import MASK, is_secret, masked_arguments
from guildnet.web.entries import Entry
from guildnet.workspace import Condition, EnvVar, Exposure, Phase, Port, Resources, Workspace, origin_urls
from guildnet.workspace.ports import base_path, served_ports
from guildnet_api.cluster.pods import Pod, current

Right = tuple[Action, Decision]
STATUSES = ("pending", "running", "failed", "stopped")
_BY_PHASE = {Phase.RUNNING: "running", Phase.FAILED: "failed", Phase.STOPPED: "stopped", Phase.TERMINATING: "stopped"}


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is narrowed to; empty fields narrow nothing."""

    q: str = ""
    statuses: frozenset[str] = frozenset()
    owner: str = ""


def query(params: Mapping[str, str]) -> Query:
    """From `?q=&status=&owner=`; several statuses are separated by commas.

    Raises Invalid for a status that does not exist.
    """
    wanted = frozenset(part for part in params.get("status", "").split(",") if part)
    unknown = sorted(wanted.difference(STATUSES))
    if unknown:
        detail = FieldError("status", f"{', '.join(unknown)}: it is one of {', '.join(STATUSES)}")
        raise Invalid("The query is not valid: see status.", code="invalid_query", details=(detail,))
    return Query(q=params.get("q", "").strip(), statuses=wanted, owner=params.get("owner", "").strip())


def status(ws: Workspace) -> str:
    if ws.deleting or not ws.spec.running:
        return "stopped"
    phase = ws.status.phase
    return "pending" if phase is None or phase is Phase.STOPPED else _BY_PHASE.get(phase, "pending")


def server(ws: Workspace, pods: Sequence[Pod], entry: Entry | None) -> dict[str, Any]:
    """The `Server` as seen through one entry; absent facts are absent keys."""
    pod = current(pods)
    reason, message = explanation(ws, pod)
    origins = _origins(ws, entry)
    view = {
        "id": ws.name,
        "name": ws.name,
        "image": ws.spec.image,
        "status": status(ws),
        "reason": reason,
        "message": message,
        "node": ws.status.node or (pod.node if pod else None),
        "owner": ws.owner,
        "created_at": _time(ws.created_at),
        "updated_at": _updated(ws),
        "ports": [_port(port, url) for port, url in origins],
        "resources": _resources(ws.spec.resources),
        "args": list(masked_arguments(ws.spec.args)),
        "env": {item.name: _shown(item) for item in ws.spec.env},
        "notes": ws.spec.notes,
        "files": ws.status.files,
        "restarts": ws.status.restarts or None,
        "url": origins[0][1] or ws.status.external_url,
        "proxy_url": f"{base_path(ws.name)}/",
    }
    return {key: value for key, value in view.items() if value not in (None, "", [], {})}


def detail(
    ws: Workspace,
    pods: Sequence[Pod],
    entry: Entry | None,
    events: Iterable[Mapping[str, Any]],
    rights: Iterable[Right] = (),
) -> dict[str, Any]:
    """The `Server` with its conditions and events, the rest of what a PATCH can change, and the caller's rights."""
    conditions = [condition(item) for item in ws.status.conditions]
    more = {"conditions": conditions, "events": list(events), "rights": [_right(*right) for right in rights]}
    return {**server(ws, pods, entry), **_settings(ws, entry), **more}


def _exposure(exposure: Exposure | None) -> dict[str, str] | None:
    if exposure is None:
        return None
    return {"type": exposure.type} | ({"domain": exposure.domain} if exposure.domain else {})


def _right(action: Action, decision: Decision) -> dict[str, Any]:
    shown = {"action": action.value, "allowed": decision.allowed, "rule": decision.rule}
    return shown | ({} if decision.allowed else {"reason": decision.reason})


def _settings(ws: Workspace, entry: Entry | None) -> dict[str, Any]:
    storage = ws.spec.storage
    shown = {
        "ports": [{**_port(port, url), "pathMode": port.path_mode} for port, url in _origins(ws, entry)],
        "command": list(masked_arguments(ws.spec.command)),
        "labels": {key: value for key, value in ws.labels.items() if not is_reserved(key)},
        "storage": {"size": storage.size} if storage else None,
        "exposure": _exposure(ws.spec.exposure),
        "presetsRef": ws.spec.presets_ref,
    }
    return {key: value for key, value in shown.items() if value}


def condition(item: Condition) -> dict[str, Any]:
    """The standard Kubernetes shape, as `kubectl` shows it."""
    shown = {
        "type": item.type,
        "status": item.status,
        "reason": item.reason,
        "message": item.message,
        "lastTransitionTime": item.last_transition_time,
    }
    return {key: value for key, value in shown.items() if value}


def explanation(ws: Workspace, pod: Pod | None) -> tuple[str | None, str | None]:
    """Reason and message of a workspace that is not simply running: the operator's, else those of a waiting container;
    None for each that is not known."""
    if ws.deleting:
        return "Terminating", "It is being deleted."
    degraded, ready = ws.status.condition("Degraded"), ws.status.condition("Ready")
    if degraded and degraded.status == "True":
        return degraded.reason, degraded.message
    if status(ws) == "running":
        return None, None
    if ready and ready.status != "True" and ready.reason:
        return ready.reason, ready.message
    held = next((c for c in pod.containers if c.state == "waiting" and c.reason), None) if pod else None
    if held:
        return held.reason, held.message
    return None, ws.status.last_error


def _time(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def _updated(ws: Workspace) -> str | None:
    times = [item.last_transition_time for item in ws.status.conditions if item.last_transition_time]
    return max([*times, _time(ws.created_at) or ""]) or None


def _origins(ws: Workspace, entry: Entry | None) -> tuple[tuple[Port, str | None], ...]:
    """The ports that the operator serves, the declared ones, else the image's defaults; each with its own origin's URL
    where it has one."""
    return origin_urls(ws, entry) if entry else tuple((port, None) for port in served_ports(ws.spec))


def _port(port: Port, url: str | None) -> dict[str, Any]:
    return {"port": port.container_port, "name": port.name} | ({"url": url} if url else {})


def _resources(resources: Resources) -> dict[str, str]:
    return {
        kind: amount
        for kind in ("cpu", "memory")
        if (amount := resources.limits.get(kind) or resources.requests.get(kind))
    }


def _shown(item: EnvVar) -> str:
    return MASK if item.value_from or is_secret(item.name, item.value or "") else item.value or ""


def matches(ws: Workspace, query: Query) -> bool:
    """The list's filters; `q` looks in id, image, owner and notes without regard to case."""
    if query.statuses and status(ws) not in query.statuses:
        return False
    if query.owner and ws.owner != query.owner:
        return False
    needle = query.q.casefold()
    return not needle or any(
        needle in (text or "").casefold() for text in (ws.name, ws.spec.image, ws.owner, ws.spec.notes)
    )
