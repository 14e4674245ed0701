"""What workspaces use, as `metrics.k8s.io` tells it: seldom asked, and nothing where the cluster does not measure."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.errors import Denied, GuildNetError, NotFound, Unreachable
from guildnet_api.cluster.usage import ABSENT_SECONDS, KEPT_SECONDS, Usage, Used


def pod(name: str, *usages: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "containers": [{"name": f"c{n}", "usage": u} for n, u in enumerate(usages)]}


class Metrics:
    """A cluster with these pods' metrics, or with this failure."""

    def __init__(self, *items: dict[str, Any], fails: GuildNetError | None = None) -> None:
        self.items, self.fails, self.asked = list(items), fails, 0

    async def list(self, _resource: Any, _namespace: str, *, label_selector: str) -> dict[str, Any]:
        assert label_selector == "guildnet.io/managed=true"
        self.asked += 1
        if self.fails:
            raise self.fails
        return {"items": self.items}


def of(metrics: Any, at: list[float]) -> Usage:
    return Usage(metrics, "n", lambda: at[0])


async def test_containers_of_a_pod_are_counted_together():
    metrics = Metrics(
        pod("a", {"cpu": "250m", "memory": "100Mi"}, {"cpu": "1500000n", "memory": "1024Ki"}), pod("b"),
        pod("odd", {"cpu": "much"}),
    )  # fmt: skip
    found = await of(metrics, [0.0]).of_pods()
    assert found == {"a": Used(0.252, 101 * 1024 * 1024), "b": Used(0.0, 0)}


async def test_whoever_looks_the_cluster_is_asked_once_in_a_while():
    at, metrics = [0.0], Metrics(pod("a", {"cpu": "1", "memory": "1"}))
    usage = of(metrics, at)
    for _ in range(5):
        await usage.of_pods()
    assert metrics.asked == 1
    at[0] = KEPT_SECONDS
    await usage.of_pods()
    assert metrics.asked == 2


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (NotFound("no such group"), ABSENT_SECONDS),
        (Denied("no right"), ABSENT_SECONDS),
        (Unreachable("x"), KEPT_SECONDS),
    ],
)
async def test_where_nothing_is_measured_nothing_is_told(error: GuildNetError, again: float):
    at, metrics = [0.0], Metrics(fails=error)
    usage = of(metrics, at)
    assert await usage.of_pods() is None
    at[0] = again - 1
    assert await usage.of_pods() is None
    assert metrics.asked == 1
    at[0] = again
    assert await usage.of_pods() is None
    assert metrics.asked == 2
