"""Metrics of the operator. Labels are kinds, verbs and outcomes, never names of workspaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from guildnet.telemetry import make_registry
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


def written(kind: str, verb: str) -> None:
    _WRITES.labels(kind, verb).inc()


def reconciled(outcome: str, seconds: float) -> None:
    _RECONCILES.labels(outcome).inc()
    _SECONDS.observe(seconds)


def requested(method: str, code: int) -> None:
    _REQUESTS.labels(method, str(code)).inc()


def follow(queue: WorkQueue, watch_ages: dict[str, Callable[[], float]], leads: Callable[[], bool]) -> None:
    """Read these at every scrape."""
    _LEADER.set_function(lambda: float(leads()))
    _QUEUED.set_function(lambda: len(queue))
    _QUEUE_AGE.set_function(lambda: queue.age)
    for kind, age in watch_ages.items():
        _WATCH_AGE.labels(kind).set_function(age)
