"""Faults put into workspaces on the real cluster: each named in a condition, with the thing at fault, within 15 s."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proofs import Figure
from support.local import NAMESPACE, Local, bring_up, guildnet_local, workspace

BOUND_SECONDS = 15.0
PATIENCE_SECONDS = 40.0
SHELL = "guildnet/busybox:0.1.0"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the condition that has to say so: type, status, reason, and a word of its message."""

    what: str
    said: tuple[str, str, str, str]
    spec: Json = field(default_factory=dict)
    image: str = SHELL
    beside: Callable[[str], Json] | None = None
    """An object made before the Workspace of this name, and taken away afterwards."""


def shell(script: str, **spec: Any) -> Json:
    return {"command": ["sh", "-c", script], "ports": [{"name": "http", "containerPort": 8080}], **spec}


def variable(kind: str, name: str, key: str = "k") -> Json:
    return shell("sleep 600", env=[{"name": "A", "valueFrom": {kind: {"name": name, "key": key}}}])


def asking(resource: str, amount: str) -> Json:
    both = {resource: amount}
    return shell("sleep 600", resources={"requests": both, "limits": both})


def made(kind: str, version: str = "v1", suffix: str = "", **body: Any) -> Callable[[str], Json]:
    """An object of somebody else's under a name of the workspace's."""
    return lambda name: {
        "apiVersion": version, "kind": kind, "metadata": {"name": name + suffix, "namespace": NAMESPACE}, **body,
    }  # fmt: skip


DEPLOYMENT = {
    "replicas": 0,
    "selector": {"matchLabels": {"app": "taken"}},
    "template": {
        "metadata": {"labels": {"app": "taken"}},
        "spec": {"containers": [{"name": "c", "image": SHELL}]},
    },
}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
SMALL = {"type": "Container", "max": {"memory": "64Mi"}}
SERVING = "httpd -f -p 8080 -h /"
STORED = shell("sleep 600", storage={"size": "1Gi"})

FAULTS = (
    Fault("registry that does not exist", ("ImagePulled", "False", "ImagePullFailed", "registry.invalid"),
          image="registry.invalid/app:1"),
    Fault("image name that is none", ("ImagePulled", "False", "ImagePullFailed", "InvalidImageName"), image="A/B:c:d"),
    Fault("ends with exit code 3", ("Degraded", "True", "CrashLoop", "exit code 3"), shell("exit 3")),
    Fault("ends at once, without an error", ("Degraded", "True", "CrashLoop", "exit code 0"), shell("exit 0")),
    Fault("command that is not there", ("Degraded", "True", "CrashLoop", "no-such-program"),
          {"command": ["/no-such-program"]}),
    Fault("more memory than its limit", ("Degraded", "True", "OutOfMemory", "resources.limits.memory"),
          shell("tail /dev/zero", resources={"limits": {"memory": "24Mi"}})),
    Fault("more CPU than any node has", ("Scheduled", "False", "Unschedulable", "Insufficient cpu"),
          asking("cpu", "900")),
    Fault("more memory than any node has", ("Scheduled", "False", "Unschedulable", "Insufficient memory"),
          asking("memory", "9Ti")),
    Fault("a device that no node has", ("Scheduled", "False", "Unschedulable", "Insufficient example.com/gpu"),
          asking("example.com/gpu", "1")),
    Fault("Secret that is not there", ("Degraded", "True", "ContainerConfiguration", "absent-secret"),
          variable("secretKeyRef", "absent-secret")),
    Fault("ConfigMap that is not there", ("Degraded", "True", "ContainerConfiguration", "absent-map"),
          variable("configMapKeyRef", "absent-map")),
    Fault("key that its ConfigMap does not have", ("Degraded", "True", "ContainerConfiguration", "absent-key"),
          variable("configMapKeyRef", "kube-root-ca.crt", "absent-key")),
    Fault("probe answered by 404", ("Ready", "False", "NotAnswering", "404"),
          shell(SERVING, probe={"type": "http", "path": "/absent"})),
    Fault("nothing listens on its port", ("Ready", "False", "NotAnswering", "8080"), shell("sleep 600")),
    Fault("storage class that is not there", ("StorageReady", "False", "Pending", "absent-class"),
          shell("sleep 600", storage={"size": "1Gi", "storageClassName": "absent-class"})),
    Fault("quota on claims", ("StorageReady", "False", "QuotaExceeded", "exceeded quota: tight"), STORED,
          beside=lambda _: made("ResourceQuota", spec={"hard": {"persistentvolumeclaims": "0"}})("tight")),
    Fault("quota on pods", ("Degraded", "True", "QuotaExceeded", "exceeded quota: tight"), shell("sleep 600"),
          beside=lambda _: made("ResourceQuota", spec={"hard": {"pods": "0"}})("tight")),
    Fault("memory above what the namespace allows", ("Degraded", "True", "Refused", "maximum memory"),
          shell("sleep 600", resources={"limits": {"memory": "1Gi"}}),
          beside=lambda _: made("LimitRange", spec={"limits": [SMALL]})("tight")),
    Fault("Service of that name", ("Degraded", "True", "NameTaken", "Service"), shell("sleep 600"),
          beside=made("Service", spec={"ports": [{"port": 80}]})),
    Fault("Deployment of that name", ("Degraded", "True", "NameTaken", "Deployment"), shell("sleep 600"),
          beside=made("Deployment", "apps/v1", spec=DEPLOYMENT)),
    Fault("claim of that name", ("Degraded", "True", "NameTaken", "PersistentVolumeClaim"), STORED,
          beside=made("PersistentVolumeClaim", suffix="-storage", spec=CLAIM)),
    Fault("exposure without the install's consent", ("Degraded", "True", "ExposureRefused", "LoadBalancer"),
          shell("sleep 600", exposure={"type": "LoadBalancer"})),
)  # fmt: skip


def named(local: Local, fault: Fault, name: str) -> tuple[float | None, str]:
    """Seconds until the condition said it, None when it did not; and what it said last."""
    kind, status, reason, word = fault.said
    began = time.monotonic()
    local.apply(workspace(name, fault.image, **fault.spec))
    last = "nothing"
    while time.monotonic() - began < PATIENCE_SECONDS:
        conditions = (local.get("workspace", name).get("status") or {}).get("conditions", [])
        found = next((c for c in conditions if c["type"] == kind), None)
        if found is not None:
            last = f"{found['status']} {found['reason']}: {found['message']}"
            if (found["status"], found["reason"]) == (status, reason) and word in found["message"]:
                return time.monotonic() - began, last
        time.sleep(0.2)
    return None, last


def prove() -> Figure:
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    times: list[float] = []
    for number, fault in enumerate(FAULTS):
        name = f"fault-{number}"
        beside = fault.beside(name) if fault.beside else None
        if beside is not None:
            local.apply(beside)
        try:
            seconds, last = named(local, fault, name)
        finally:
            local.delete_workspace(name)
            if beside is not None:
                local.kubectl("-n", NAMESPACE, "delete", beside["kind"], beside["metadata"]["name"])
        if seconds is not None:
            times.append(seconds)
        when = "not named" if seconds is None else f"{seconds:4.1f} s"
        print(f"  {fault.what:<42}{when:>10}  {last[:150]}", flush=True)
    good = sum(seconds <= BOUND_SECONDS for seconds in times)
    text = f"{good} of {len(FAULTS)} faults named within {BOUND_SECONDS:g} s, slowest {max(times, default=0):.1f} s"
    return Figure(text, good == len(FAULTS))
