"""The status of a Workspace as a pure function of its snapshot. The clock comes in as a text."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from guildnet.names import origin_label
from guildnet.workspace import Condition, Origin, Phase, Workspace, WorkspaceStatus, origin_url
from guildnet_operator.status.children import PodView, seconds_between
from guildnet_operator.status.conditions import TABLE, load_balancer_host
from guildnet_operator.status.diagnosis import diagnose
from guildnet_operator.status.snapshot import Snapshot
from guildnet_operator.status.volume import files

MAX_ERROR: Final = 4096
MAX_MESSAGE: Final = 8192
"""The schema's limits, or less: an API server that quotes a whole pod must not make the status unwritable."""


def observe(snapshot: Snapshot, *, now: str) -> WorkspaceStatus:
    """The whole status. `now` (RFC 3339) becomes the transition time of conditions whose status changed."""
    snapshot = replace(snapshot, now=now)
    snapshot = replace(snapshot, diagnosis=diagnose(snapshot))
    workspace, plan = snapshot.workspace, snapshot.plan
    pod = snapshot.children.current_pod if plan.replicas else None
    origin = Origin(snapshot.port, origin_label(workspace.name, workspace.uid), snapshot.other_ports)
    service = snapshot.children.service
    dns = f"{workspace.name}.{workspace.namespace}.svc"
    external = external_url(snapshot)
    return WorkspaceStatus(
        observed_generation=workspace.generation,
        phase=phase(snapshot),
        ready_replicas=int(snapshot.is_ready),
        service_dns=dns if service else None,
        service_ip=service["spec"].get("clusterIP") if service else None,
        service_uid=service["metadata"]["uid"] if service else None,
        external_url=external,
        url=canonical_url(snapshot, origin) or external,
        proxy_target=f"{plan.main_port.scheme}://{dns}:{plan.main_port.number}" if service else None,
        origin=origin,
        node=(pod.node or None) if pod else None,
        pod_name=pod.name if pod else None,
        restarts=pod.restarts if pod else 0,
        startup_seconds=startup_seconds(snapshot, pod),
        last_error=last_error(snapshot, pod),
        files=files(snapshot),
        conditions=tuple(_condition(kind, snapshot, now) for kind in TABLE),
    )


def phase(snapshot: Snapshot) -> Phase:
    if snapshot.workspace.deleting:
        return Phase.TERMINATING
    if snapshot.is_ready:
        return Phase.RUNNING
    if snapshot.blocked:
        return Phase.FAILED
    if not snapshot.plan.replicas and not snapshot.children.pods and not snapshot.admission.waits:
        return Phase.STOPPED
    return Phase.PENDING


def canonical_url(snapshot: Snapshot, origin: Origin) -> str | None:
    """The URL at the first entry of the install that gives workspaces an origin of their own."""
    located = _with_origin(snapshot.workspace, origin)
    urls = (origin_url(located, entry) for entry in snapshot.entries)
    return next((url for url in urls if url), None)


def external_url(snapshot: Snapshot) -> str | None:
    """Where it is reached past the proxy: its Ingress, or the address its load balancer gave."""
    rule, service = snapshot.plan.reach.ingress, snapshot.children.service
    if rule is not None and snapshot.children.ingress is not None:
        return f"{'https' if rule.tls_secret else 'http'}://{rule.host}/"
    host = load_balancer_host(service) if service and snapshot.plan.reach.service_type == "LoadBalancer" else None
    if host is None:
        return None
    port = snapshot.plan.main_port
    return f"{port.scheme}://{f'[{host}]' if ':' in host else host}:{port.number}/"


def startup_seconds(snapshot: Snapshot, pod: PodView | None) -> int | None:
    """Seconds the present pod took until it was ready for the first time; what was told of it once stays."""
    if pod is None:
        return None
    before = snapshot.workspace.status
    if before.pod_name == pod.name and before.startup_seconds is not None:
        return before.startup_seconds
    return round(max(0.0, seconds_between(pod.created_at, pod.ready_at))) if pod.ready and pod.ready_at else None


def last_error(snapshot: Snapshot, pod: PodView | None) -> str | None:
    found = snapshot.diagnosis
    if found is not None:
        return found.message[:MAX_ERROR]
    if pod is not None and pod.last is not None:
        ended = pod.last
        return (
            f"The container ended at {ended.finished_at} with exit code {ended.exit_code} ({ended.reason or 'Error'})."
        )
    return None


def _with_origin(workspace: Workspace, origin: Origin) -> Workspace:
    return Workspace(
        name=workspace.name,
        namespace=workspace.namespace,
        uid=workspace.uid,
        spec=workspace.spec,
        status=WorkspaceStatus(origin=origin),
    )


def _condition(kind: str, snapshot: Snapshot, now: str) -> Condition:
    verdict = TABLE[kind](snapshot)
    before = snapshot.workspace.status.condition(kind)
    unchanged = before is not None and before.status == verdict.status and before.last_transition_time
    return Condition(
        type=kind,
        status=verdict.status,
        reason=verdict.reason.value,
        message=verdict.message[:MAX_MESSAGE],
        last_transition_time=before.last_transition_time if before is not None and unchanged else now,
        observed_generation=snapshot.workspace.generation,
    )
