"""Two api processes over a real Redis, of which one reads a container: killed, or frozen past its lease and woken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from guildnet.kube.client import Client
from proofs.loglab import takeover
from proofs.loglab.apis import Lab, running_workspace
from proofs.loglab.fanout import Load
from proofs.loglab.node import LogNode, log_node
from proofs.loglab.takeover import BOUND_SECONDS
from support.redis import RedisServer


@dataclass(frozen=True)
class Stage:
    lab: Lab
    node: LogNode
    redis: RedisServer


@pytest.fixture
async def stage(
    tmp_path: Path, kubeconfig: str, kube: Client, namespace: str, redis_server: RedisServer
) -> AsyncIterator[Stage]:
    """A workspace `ws` whose pod runs on a node of its own."""
    async with log_node(kube, f"node-of-{namespace}") as node:
        await running_workspace(kube, namespace, "ws", node.name)
        yield Stage(Lab(tmp_path, Path(kubeconfig), namespace, redis_server.url), node, redis_server)


async def test_readers_of_the_other_replica_miss_nothing_when_the_one_that_reads_is_killed(stage: Stage):
    taken = await takeover.killed(stage.lab, stage.node, "ws", Load(readers=20, rate=50.0, seconds=10.0))
    assert not taken.observed.measured.faults, taken
    assert max(taken.seconds, taken.observed.measured.most / 1000) <= BOUND_SECONDS, taken


@pytest.mark.parametrize("robbed", [False, True], ids=["its lease runs out", "its lease is removed"])
async def test_a_holder_that_wakes_up_without_its_lease_adds_nothing(stage: Stage, robbed: bool):
    load = Load(readers=20, rate=50.0, seconds=8.0 if robbed else 12.0)
    assert stage.redis.command("FLUSHALL") == b"+OK\r\n"
    taken = await takeover.frozen(stage.lab, stage.node, "ws", load, stage.redis if robbed else None)
    assert taken.own is not None
    assert not taken.observed.measured.faults, taken
    assert not taken.own.measured.faults, taken
    assert not taken.went_on, taken
    assert max(taken.seconds, taken.observed.measured.most / 1000) <= BOUND_SECONDS, taken
