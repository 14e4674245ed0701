"""The node lost: the kubelet is frozen until the cluster has given it up, and goes on afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Final

from guildnet.kube.client import Client
from guildnet.kube.resources import WORKSPACES, Resource
from guildnet_local.settings import load
from guildnet_local.up import processes
from proofs.faulty.judge import Verdict
from proofs.faulty.play import Listener, tell
from proofs.faulty.table import SERVING, SHELL, Fault, shell
from support.local import NAMESPACE, RELEASE_NAMESPACE, Local, workspace
from support.waiting import eventually

NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)
GIVEN_UP_SECONDS: Final = 120.0
FAULT: Final = Fault(
    "node that does not report any more", ("Degraded", "True", "NodeLost", "does not report"),
    "kubectl describe node", shell(SERVING),
)  # fmt: skip


async def play(listener: Listener, local: Local, name: str) -> Verdict:
    """The time runs from when the cluster says that the node is lost: how long that takes is its own business."""
    record = processes(load(os.environ)).record("kubelet")
    assert record is not None
    assert record.identity is not None, "the kubelet's process is not known"
    kubelet = record.identity.pid
    try:
        await listener.kube.create(WORKSPACES, NAMESPACE, workspace(name, SHELL, **FAULT.spec))
        await asyncio.to_thread(local.wait_ready, name)
        os.kill(kubelet, signal.SIGSTOP)
        try:
            await eventually(lambda: _lost(listener.kube), within=GIVEN_UP_SECONDS, every=0.05)
            found = await listener.verdict(FAULT, name, time.monotonic())
        finally:
            os.kill(kubelet, signal.SIGCONT)
        await asyncio.to_thread(_recovered, local, name)
    finally:
        await asyncio.to_thread(local.delete_workspace, name)
    tell(FAULT, found)
    return found


async def _lost(kube: Client) -> bool:
    (node,) = (await kube.list(NODES, None))["items"]
    return any(item["type"] == "Ready" and item["status"] == "Unknown" for item in node["status"]["conditions"])


def _recovered(local: Local, name: str) -> None:
    """Everything works again, and the workspace says so."""
    local.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
    local.kubectl("-n", RELEASE_NAMESPACE, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s")
    local.wait_ready(name)
