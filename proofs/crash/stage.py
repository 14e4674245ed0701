"""An operator inside this process, for what has to be counted in it: a namespace, a played kubelet, a fault proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guildnet.kube.client import Client
from guildnet.kube.resources import NAMESPACES
from guildnet_operator.app import Operator, operator
from guildnet_operator.settings import Settings
from support.apiserver import ApiServer, make_namespace
from support.faultproxy import FaultProxy
from support.kubelet import played_kubelet
from support.waiting import eventually
from support.world import World


@dataclass
class Stage:
    """The hands of people on a namespace, and the operator's switch."""

    world: World
    proxy: FaultProxy
    wanted: bool = True
    """Whether somebody (a Deployment, in a cluster) sees to it that an operator runs."""
    operator: Operator | None = None
    lives: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def off(self) -> None:
        self.wanted = False
        self.proxy.dead = True
        self._changed.set()
        await eventually(lambda: self.operator is None)

    def on(self) -> None:
        self.wanted = True
        self._changed.set()

    async def keep(self, kubeconfig: Path, **given: Any) -> None:
        """Run an operator, and another one when it was killed; cancel it to end."""
        settings = Settings(**{
            "kubeconfig": str(kubeconfig), "k8s_namespace": self.world.namespace,
            "release_namespace": self.world.release, "ops_port": 0, "lease_identity": "the-pod",
            "local_origin": "http://guildnet.localhost:8080", **given,
        })  # fmt: skip
        while True:
            while not self.wanted:
                self._changed.clear()
                await self._changed.wait()
            self.proxy.dead = False
            self._changed.clear()
            try:
                async with operator(settings) as running:
                    self.operator = running
                    self.lives += 1
                    await self._changed.wait()
            finally:
                self.operator = None

    def idle(self) -> bool:
        return (
            self.operator is not None
            and self.operator.cluster.workspaces.synced.is_set()
            and (self.operator.queue.idle())
        )


@asynccontextmanager
async def stage(server: ApiServer, kube: Client, directory: Path, **settings: Any) -> AsyncIterator[Stage]:
    """A fresh stage with a running operator; keywords are its settings."""
    namespace = await make_namespace(kube)
    release = f"{namespace}-release"
    await kube.create(NAMESPACES, None, {"metadata": {"name": release}})
    proxy = FaultProxy(server)
    made = Stage(World(kube, namespace, release), proxy)
    kubeconfig = directory / f"{namespace}.kubeconfig"
    async with proxy.serve(kubeconfig), played_kubelet(kube, namespace):
        keeping = asyncio.create_task(made.keep(kubeconfig, **settings))
        try:
            await eventually(made.idle, within=30)
            yield made
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            await kube.delete(NAMESPACES, None, namespace)
            await kube.delete(NAMESPACES, None, release)
