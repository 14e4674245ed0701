"""Counts and durations of requests, as plain numbers that become metrics when they are asked for.

The client's own counters take a lock per request, twice; here a request is two dictionary entries.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_BOUNDS = (*(str(bound) for bound in _BUCKETS), "+Inf")
_GONE = 499
_STATUSES = {status.value: str(status.value) for status in HTTPStatus} | {_GONE: str(_GONE)}
OTHER_STATUS = "other"
"""The label of a status nobody registered: a workspace may answer with any of 900."""


class Seen(Protocol):
    """What was seen before, and what was not."""

    hits: int
    misses: int


class MemoMetrics(Collector):
    """How often a request's field block was known."""

    def __init__(self, registry: CollectorRegistry, heads: Seen) -> None:
        self._heads = heads
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "guildnet_proxy_head_memo", "Field blocks of requests: a hit was seen before.", labels=("result",)
        )

    def collect(self) -> Iterator[Metric]:
        for blocks in self.describe():
            blocks.add_metric(("hit",), self._heads.hits)  # type: ignore[attr-defined]  # prometheus_client leaves it untyped
            blocks.add_metric(("miss",), self._heads.misses)  # type: ignore[attr-defined]  # as above
            yield blocks


class Bounded(Protocol):
    """What was refused because there was too much, by rule."""

    refused: dict[str, int]


class AdmissionMetrics(Collector):
    """How often somebody had too much open."""

    def __init__(self, registry: CollectorRegistry, admission: Bounded) -> None:
        self._admission = admission
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "guildnet_proxy_not_admitted", "Requests refused because too many were open.", labels=("rule",)
        )

    def collect(self) -> Iterator[Metric]:
        for requests in self.describe():
            for rule, count in self._admission.refused.items():
                requests.add_metric((rule,), count)  # type: ignore[attr-defined]  # as above
            yield requests


class RequestMetrics(Collector):
    """`before` is called before the numbers are read, so that what is not counted yet can be."""

    def __init__(self, registry: CollectorRegistry, before: Callable[[], None]) -> None:
        self._before = before
        self._counts: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[str, tuple[list[int], list[float]]] = {}
        registry.register(self)

    def add(self, entry: str, kind: str, status: int, seconds: float) -> None:
        """One request was answered, `seconds` after it came."""
        self.count(entry, kind, status)
        found = self._seconds.get(kind)
        if found is None:
            found = self._seconds[kind] = [0] * len(_BOUNDS), [0.0]
        found[0][bisect_left(_BUCKETS, seconds)] += 1
        found[1][0] += seconds

    def count(self, entry: str, kind: str, status: int) -> None:
        """One request was answered; how long it takes, nobody knows yet."""
        key = entry, kind, status
        self._counts[key] = self._counts.get(key, 0) + 1

    def describe(self) -> Iterator[Metric]:
        yield CounterMetricFamily("guildnet_proxy_requests", "Requests answered.", labels=("entry", "kind", "status"))
        yield HistogramMetricFamily("guildnet_proxy_request_seconds", "Seconds from head to end.", labels=("kind",))

    def collect(self) -> Iterator[Metric]:
        self._before()
        requests, seconds = self.describe()
        labelled: dict[tuple[str, str, str], int] = {}
        for (entry, kind, status), count in self._counts.items():
            key = entry, kind, _STATUSES.get(status, OTHER_STATUS)
            labelled[key] = labelled.get(key, 0) + count
        for labels, count in labelled.items():
            requests.add_metric(labels, count)  # type: ignore[attr-defined]  # as above
        for kind, (counts, sums) in self._seconds.items():
            total, buckets = 0, []
            for bound, number in zip(_BOUNDS, counts, strict=True):
                total += number
                buckets.append((bound, total))
            seconds.add_metric((kind,), buckets, sums[0])  # type: ignore[attr-defined]  # as above
        yield requests
        yield seconds
