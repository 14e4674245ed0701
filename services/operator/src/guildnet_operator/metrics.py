"""Metrics of the operator. Labels are kinds, verbs and outcomes, never names of workspaces."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from guildnet.telemetry import make_registry
from guildnet.workspace import Phase, Workspace
from guildnet_operator.workqueue import WorkQueue

REGISTRY: Final = make_registry()

_WRITES: Final = Counter(
    "guildnet_operator_writes_total", "Writes to the Kubernetes API", ("kind", "verb"), registry=REGISTRY
)
_RECONCILES: Final = Counter(
    "guildnet_operator_reconciles_total", "Reconciles by outcome", ("outcome",), registry=REGISTRY
)
_SECONDS: Final = Histogram("guildnet_operator_reconcile_seconds", "Seconds a reconcile took", registry=REGISTRY)
_QUEUED: Final = Gauge("guildnet_operator_queue_length", "Workspaces waiting for a worker", registry=REGISTRY)
_QUEUE_AGE: Final = Gauge(
    "guildnet_operator_queue_age_seconds", "Seconds the longest waiting Workspace has waited", registry=REGISTRY
)
_LEADER: Final = Gauge("guildnet_operator_leader", "1 where this operator holds the Lease", registry=REGISTRY)
_REQUESTS: Final = Counter(
    "guildnet_operator_api_requests_total",
    "Requests to the Kubernetes API by method and status code; code 0 had no answer",
    ("method", "code"),
    registry=REGISTRY,
)
_WATCH_AGE: Final = Gauge(
    "guildnet_operator_watch_age_seconds", "Seconds since the API server last spoke", ("kind",), registry=REGISTRY
)


_PORTS_LEFT: Final = Gauge(
    "guildnet_operator_ports_left", "Ports of the tailnet name that were never given to a workspace", registry=REGISTRY
)


class _Workspaces(Collector):
    """Workspaces by phase and by the reason of Degraded, counted at each scrape. One that stands by counts too."""

    def __init__(self) -> None:
        self.source: Callable[[], Iterable[Workspace]] = tuple

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = list(self.source())
        phases = Tally(found_.status.phase or Phase.PENDING for found_ in found)
        by_phase = GaugeMetricFamily("guildnet_operator_workspaces", "Workspaces by phase", labels=["phase"])
        for phase in Phase:
            by_phase.add_metric([phase.value], phases[phase])
        yield by_phase
        degraded = GaugeMetricFamily(
            "guildnet_operator_workspaces_degraded",
            "Workspaces whose Degraded is True, by its reason",
            labels=["reason"],
        )
        for reason, number in sorted(Tally(map(_degraded, found)).items()):
            if reason:
                degraded.add_metric([reason], number)
        yield degraded


def _degraded(workspace: Workspace) -> str:
    conditions = workspace.status.conditions
    return next((item.reason for item in conditions if item.type == "Degraded" and item.status == "True"), "")


_WORKSPACES: Final = _Workspaces()
REGISTRY.register(_WORKSPACES)


def written(kind: str, verb: str) -> None:
    _WRITES.labels(kind, verb).inc()


def reconciled(outcome: str, seconds: float) -> None:
    _RECONCILES.labels(outcome).inc()
    _SECONDS.observe(seconds)


def requested(method: str, code: int) -> None:
    _REQUESTS.labels(method, str(code)).inc()


def follow_workspaces(workspaces: Callable[[], Iterable[Workspace]], ports_left: Callable[[], int]) -> None:
    """Count these at every scrape."""
    _WORKSPACES.source = workspaces
    _PORTS_LEFT.set_function(ports_left)


def follow(queue: WorkQueue, watch_ages: dict[str, Callable[[], float]], leads: Callable[[], bool]) -> None:
    """Read these at every scrape."""
    _LEADER.set_function(lambda: float(leads()))
    _QUEUED.set_function(lambda: len(queue))
    _QUEUE_AGE.set_function(lambda: queue.age)
    for kind, age in watch_ages.items():
        _WATCH_AGE.labels(kind).set_function(age)
