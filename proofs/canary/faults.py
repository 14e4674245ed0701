"""What is done to the cluster meanwhile. Each returns whether it hit something."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from support.local import RELEASE_NAMESPACE, Local

NET = "/run/guildnet-local/namespaces/net"
KUBELET_PORT = 10250


def processes(container: str) -> list[int]:
    """The processes of a container, by the control group that has its id."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if container in (entry / "cgroup").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def kill(local: Local, component: str) -> bool:
    """SIGKILL all of the component's container, and take its pod away: a restart in place would be delayed."""
    selector = f"app.kubernetes.io/component={component}"
    pods = json.loads(local.kubectl("-n", RELEASE_NAMESPACE, "get", "pods", "-l", selector, "-o", "json"))["items"]
    hit = False
    for pod in pods:
        for status in pod["status"].get("containerStatuses", []):
            container = status.get("containerID", "").rpartition("/")[2]
            for pid in processes(container) if container else []:
                os.kill(pid, signal.SIGKILL)
                hit = True
        name = pod["metadata"]["name"]
        local.kubectl(
            "-n", RELEASE_NAMESPACE, "delete", "pod", name, "--force", "--grace-period=0", "--ignore-not-found",
            "--wait=false",
        )  # fmt: skip
    return hit


def cut(_: Local) -> bool:
    """Reset every connection to the kubelet, and with them every log that is followed."""
    filter_ = ["state", "established", "dport", "=", f":{KUBELET_PORT}"]
    done = subprocess.run(
        ["nsenter", f"--net={NET}", "ss", "-K", "-t", "-n", "-H", *filter_],
        capture_output=True,
        text=True,
        check=False,
    )
    return bool(done.stdout.strip())


def plan(api: int, redis: int, cuts: int) -> list[tuple[str, Callable[[Local], bool]]]:
    """The faults in an order that is the same each time."""
    faults: list[tuple[str, Callable[[Local], bool]]] = [
        *[("api killed", lambda local: kill(local, "api"))] * api,
        *[("redis killed", lambda local: kill(local, "valkey"))] * redis,
        *[("streams cut", cut)] * cuts,
    ]
    random.Random(7).shuffle(faults)
    return faults


def play(local: Local, faults: Sequence[tuple[str, Callable[[Local], bool]]], apart: float) -> dict[str, int]:
    """Do them one after the other; how many of each hit something. What did not is tried again until it does."""
    hits: dict[str, int] = {}
    for what, do in faults:
        deadline = time.monotonic() + 30
        while not do(local):
            assert time.monotonic() < deadline, f"{what}: there was nothing to hit for 30 s"
            time.sleep(0.5)
        hits[what] = hits.get(what, 0) + 1
        print(f"    {what} ({hits[what]})", flush=True)
        time.sleep(apart)
    return hits
