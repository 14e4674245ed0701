"""What is done to the cluster meanwhile. Each returns whether it hit something."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from support.local import RELEASE_NAMESPACE, Local
from support.waiting import until

NET = "/run/guildnet-local/namespaces/net"
KUBELET_PORT = 10250
_LOG_REQUESTS = re.compile(r'^apiserver_request_total\{[^}]*subresource="log"[^}]*\} (\S+)$', re.MULTILINE)
NOTICED_SECONDS = 5.0
BACK_SECONDS = 60.0


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


def cut(local: Local) -> bool:
    """Reset every connection to the kubelet. It hit something when a request for a log ended at the API server.

    The API server ends the answer as if the log were over, so the api itself sees no fault: it goes on reading.
    """
    before = _ended_log_requests(local)
    filter_ = ["state", "established", "dport", "=", f":{KUBELET_PORT}"]
    done = subprocess.run(
        ["nsenter", f"--net={NET}", "ss", "-K", "-t", "-n", "-H", *filter_],
        capture_output=True,
        text=True,
        check=False,
    )
    deadline = time.monotonic() + NOTICED_SECONDS
    while done.stdout.strip() and time.monotonic() < deadline:
        if _ended_log_requests(local) > before:
            return True
        time.sleep(0.3)
    return False


def _ended_log_requests(local: Local) -> int:
    """How many requests for a pod's log have come to their end, by the API server's own count."""
    text = local.kubectl("get", "--raw", "/metrics")
    return sum(int(float(count)) for count in _LOG_REQUESTS.findall(text))


def plan(api: int, redis: int, cuts: int) -> list[tuple[str, Callable[[Local], bool]]]:
    """The faults in an order that is the same each time."""
    faults: list[tuple[str, Callable[[Local], bool]]] = [
        *[("api killed", lambda local: kill(local, "api"))] * api,
        *[("redis killed", lambda local: kill(local, "valkey"))] * redis,
        *[("streams cut", cut)] * cuts,
    ]
    random.Random(7).shuffle(faults)
    return faults


def play(
    local: Local, faults: Sequence[tuple[str, Callable[[Local], bool]]], followed: Callable[[], bool]
) -> dict[str, int]:
    """Do them one after the other, each when everybody reads again; how many of each hit something.

    What did not hit anything is tried again until it does. Raises AssertionError where nobody comes back.
    """
    hits: dict[str, int] = {}
    for what, do in faults:
        until(followed, f"every reader reads again before: {what}", seconds=BACK_SECONDS)
        deadline = time.monotonic() + 30
        while not do(local):
            assert time.monotonic() < deadline, f"{what}: there was nothing to hit for 30 s"
            time.sleep(0.5)
        hits[what] = hits.get(what, 0) + 1
        print(f"    {what} ({hits[what]})", flush=True)
    return hits
