"""What runs: the programs with pid and age, the node, the pods, the ways in. Also their logs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from guildnet_local.cluster.kubectl import Kubectl, KubectlError
from guildnet_local.machine.lock import Owner, when
from guildnet_local.machine.process import Record, boot_id
from guildnet_local.settings import RELEASE_NAMESPACE, LocalError, Settings
from guildnet_local.up import owner_file, processes

# Components that run as pods, with the label that finds them.
POD_COMPONENTS = ("api", "proxy", "operator", "valkey")


def is_up(settings: Settings) -> bool:
    """Whether an `up` of this checkout reached its end and all it started still runs."""
    owner = Owner.read(owner_file(settings))
    records = processes(settings).all()
    ours = owner is not None and owner.complete and owner.checkout == str(settings.checkout)
    return ours and bool(records) and all(record.alive for record in records)


def is_there(settings: Settings) -> bool:
    """Whether a cluster was made since the machine was started, whosever and in whatever state: it can hold work."""
    owner = Owner.read(owner_file(settings))
    return owner is not None and owner.boot == boot_id()


def age(seconds: float) -> str:
    """`42s`, `12m`, `3h05m`, `2d04h`."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole}s"
    if whole < 7200:
        return f"{whole // 60}m"
    if whole < 172800:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def process_line(record: Record, now: float) -> str:
    pid = str(record.identity.pid) if record.identity else "-"
    state = f"running {age(now - record.since)}" if record.alive else "ENDED"
    return f"  {record.name:<26}{pid:>8}  {state:<16}{record.log}"


def describe(settings: Settings, kubectl: Callable[[], Kubectl]) -> Iterator[str]:
    """The lines of `status`."""
    owner = Owner.read(owner_file(settings))
    if owner is None:
        yield "no local cluster: `make up` makes one"
        return
    state = "" if owner.complete else ", not complete: run `make up`"
    yield f"cluster of {owner.checkout}, since {when(owner.since)}, {owner.version}{state}"
    records = processes(settings).all()
    yield from (process_line(record, time.time()) for record in records)
    if any(record.name == "kube-apiserver" and record.alive for record in records):
        yield from _workloads(kubectl())
    else:
        yield "the API server does not run: `make up` starts again what has ended"
    yield f"API server  {settings.api_url}   (kubeconfig {settings.kubeconfig})"
    yield f"front door  {settings.origin}   (log in with `make url`)"
    yield f"tailnet     SOCKS5 at 127.0.0.1:{settings.ports.socks}   (`make tailnet`)"


def _workloads(kubectl: Kubectl) -> Iterator[str]:
    try:
        nodes = kubectl.get("nodes")["items"]
        pods = kubectl.get("pods")["items"]
    except KubectlError as problem:
        yield f"the API server does not answer: {problem}"
        return
    for node in nodes:
        ready = next((c["status"] for c in node["status"].get("conditions", ()) if c["type"] == "Ready"), "Unknown")
        yield f"node {node['metadata']['name']}: {'Ready' if ready == 'True' else 'not ready'}, {len(pods)} pods"
    yield from (f"  {line}" for line in map(pod_line, pods))


def pod_line(pod: dict[str, Any]) -> str:
    """Namespace/name, phase, ready containers, restarts."""
    statuses = pod["status"].get("containerStatuses", ())
    ready, restarts = sum(s["ready"] for s in statuses), sum(s["restartCount"] for s in statuses)
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    count = f"{ready}/{len(pod['spec']['containers'])} ready"
    return f"{name:<58}{pod['status'].get('phase', 'Unknown'):<11}{count:<11}{restarts} restarts"


def follow_log(settings: Settings, component: str, kubectl: Callable[[], Kubectl], *, follow: bool, lines: int) -> int:
    """Print the log of one program or of the pods of a component; the exit status of what printed it.

    Raises LocalError naming the components when there is none of that name.
    """
    known = {record.name: record for record in processes(settings).all()}
    if component in known:
        command = ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), known[component].log]
    elif component in POD_COMPONENTS:
        selector = f"--selector=app.kubernetes.io/component={component}"
        command = kubectl().command(
            "logs", f"--namespace={RELEASE_NAMESPACE}", selector, "--all-containers", "--prefix",
            f"--tail={lines}", "--max-log-requests=20", *(["--follow"] if follow else []),
        )  # fmt: skip
    else:
        raise LocalError(f"no component {component!r}; there are: {', '.join((*known, *POD_COMPONENTS))}")
    sys.stdout.flush()
    if follow:
        os.execvp(command[0], command)  # noqa: S606  an interrupt then ends the follower, nothing else
    return subprocess.run(command, check=False).returncode


def last_lines(settings: Settings, lines: int) -> Iterator[str]:
    """The end of every program's log."""
    for record in processes(settings).all():
        yield f"── {record.name} ({record.log})"
        yield from _tail(record.log, lines)


def _tail(path: str, lines: int) -> Sequence[str]:
    done = subprocess.run(["tail", f"--lines={lines}", path], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()
