"""The metrics of several processes as if they were one's: counters and histograms are added up, and never go back.

What a process that is gone had counted stays counted; what it held open does not. One that does not answer counts as it
last did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

_COUNTED = frozenset({"counter", "histogram", "summary"})
_LEAST = ("_created", "process_start_time_seconds")
_MOST = ("_info", "process_max_fds")


class Totals(Collector):
    """Sums what was `put` for each process since it began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._living: dict[int, list[Metric]] = {}
        self._gone: list[Metric] = []
        registry.register(self)

    def put(self, process: int, text: str) -> None:
        """What a process says of itself, in Prometheus' text format; raises ValueError for anything else."""
        self._living[process] = list(text_string_to_metric_families(text))

    def end(self, process: int) -> None:
        """The process is gone; another may get its number."""
        counted = [family for family in self._living.pop(process, ()) if family.type in _COUNTED]
        self._gone = list(added([*self._gone, *counted]))

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from added([*self._gone, *(family for families in self._living.values() for family in families)])


def added(families: Iterable[Metric]) -> Iterator[Metric]:
    """One family of each name; samples with the same labels become one."""
    found: dict[str, tuple[Metric, dict[tuple[str, tuple[tuple[str, str], ...]], float]]] = {}
    for family in families:
        _, values = found.setdefault(family.name, (family, {}))
        together = _together(family.name)
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            values[key] = together((values[key], sample.value)) if key in values else sample.value
    for first, values in found.values():
        total = Metric(first.name, first.documentation, first.type)
        total.samples = [Sample(name, dict(labels), value) for (name, labels), value in values.items()]
        yield total


def _together(name: str) -> Callable[[Iterable[float]], float]:
    if name.endswith(_LEAST):
        return min
    return max if name.endswith(_MOST) else sum
