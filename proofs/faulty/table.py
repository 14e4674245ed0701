"""The faults: what is wrong, and what the condition, its message and its next step have to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from guildnet.kube.client import Client
from guildnet.kube.resources import DEPLOYMENTS, WORKSPACES
from support.local import NAMESPACE
from support.waiting import eventually

SHELL = "guildnet/busybox:0.1.0"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the condition that has to say so: type, status, reason, and a word of its message."""

    what: str
    said: tuple[str, str, str, str]
    step: str
    """Words of what a person is told to do next, in the same message."""
    spec: Json = field(default_factory=dict)
    image: str = SHELL
    beside: Callable[[str], Json] | None = None
    """An object made before the Workspace of this name, and taken away afterwards."""
    alone: bool = False
    """Whether what is beside it would be in the way of other workspaces."""
    then: Callable[[Client, str], Awaitable[None]] | None = None
    """What is done to the Workspace once it is there; the time runs from its end."""


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


async def on_the_host_network(kube: Client, name: str) -> None:
    """What a cluster that injects things into pods does to the template, and then the Workspace is started.

    Nothing that a spec can say makes a pod that Pod Security would not admit.
    """
    await eventually(lambda: _there(kube, name), within=30)
    template = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    await kube.merge_patch(DEPLOYMENTS, NAMESPACE, name, template, field_manager="an-injector")
    await kube.merge_patch(WORKSPACES, NAMESPACE, name, {"spec": {"running": True}})


async def _there(kube: Client, name: str) -> bool:
    found = await kube.list(DEPLOYMENTS, NAMESPACE, field_selector=f"metadata.name={name}")
    return bool(found["items"])


FAULTS: Final = (
    Fault(
        "registry that does not exist",
        ("ImagePulled", "False", "ImagePullFailed", "registry.invalid"),
        "Check its name and tag",
        image="registry.invalid/app:1",
    ),
    Fault(
        "image name that is none",
        ("ImagePulled", "False", "ImagePullFailed", "InvalidImageName"),
        "Check its name and tag",
        # The schema lets it through: it looks at no registry's name.
        image="-registry.invalid/app:1",
    ),
    Fault(
        "ends with exit code 3", ("Degraded", "True", "CrashLoop", "exit code 3"), "Its log says why", shell("exit 3")
    ),
    Fault(
        "ends at once, without an error",
        ("Degraded", "True", "CrashLoop", "exit code 0"),
        "Its log says why",
        shell("exit 0"),
    ),
    Fault(
        "command that is not there",
        ("Degraded", "True", "ContainerConfiguration", "no-such-program"),
        "command and args",
        {"command": ["/no-such-program"]},
    ),
    Fault(
        "more memory than its limit",
        ("Degraded", "True", "OutOfMemory", "resources.limits.memory"),
        "Raise resources.limits.memory",
        shell("tail /dev/zero", resources={"limits": {"memory": "24Mi"}}),
    ),
    Fault(
        "more CPU than any node has",
        ("Scheduled", "False", "Unschedulable", "Insufficient cpu"),
        "Ask for less (spec.resources)",
        asking("cpu", "900"),
    ),
    Fault(
        "more memory than any node has",
        ("Scheduled", "False", "Unschedulable", "Insufficient memory"),
        "Ask for less (spec.resources)",
        asking("memory", "9Ti"),
    ),
    Fault(
        "a device that no node has",
        ("Scheduled", "False", "Unschedulable", "Insufficient example.com/gpu"),
        "Ask for less (spec.resources)",
        asking("example.com/gpu", "1"),
    ),
    Fault(
        "Secret that is not there",
        ("Degraded", "True", "ContainerConfiguration", "absent-secret"),
        "Check what env, command and args refer to",
        variable("secretKeyRef", "absent-secret"),
    ),
    Fault(
        "ConfigMap that is not there",
        ("Degraded", "True", "ContainerConfiguration", "absent-map"),
        "Check what env, command and args refer to",
        variable("configMapKeyRef", "absent-map"),
    ),
    Fault(
        "key that its ConfigMap does not have",
        ("Degraded", "True", "ContainerConfiguration", "absent-key"),
        "Check what env, command and args refer to",
        variable("configMapKeyRef", "kube-root-ca.crt", "absent-key"),
    ),
    Fault(
        "probe answered by 404",
        ("Ready", "False", "NotAnswering", "404"),
        "ook at its log, port and probe",
        shell(SERVING, probe={"type": "http", "path": "/absent"}),
    ),
    Fault(
        "nothing listens on its port",
        ("Ready", "False", "NotAnswering", "8080"),
        "ook at its log, port and probe",
        shell("sleep 600"),
    ),
    Fault(
        "storage class that is not there",
        ("StorageReady", "False", "Pending", "absent-class"),
        "is there such a class, with a provisioner?",
        shell("sleep 600", storage={"size": "1Gi", "storageClassName": "absent-class"}),
    ),
    Fault(
        "quota on claims",
        ("StorageReady", "False", "QuotaExceeded", "exceeded quota: tight"),
        "have the quota raised",
        STORED,
        alone=True,
        beside=lambda _: made("ResourceQuota", spec={"hard": {"persistentvolumeclaims": "0"}})("tight"),
    ),
    Fault(
        "quota on pods",
        ("Degraded", "True", "QuotaExceeded", "exceeded quota: tight"),
        "have the quota raised",
        shell("sleep 600"),
        alone=True,
        beside=lambda _: made("ResourceQuota", spec={"hard": {"pods": "0"}})("tight"),
    ),
    Fault(
        "memory above what the namespace allows",
        ("Degraded", "True", "Refused", "maximum memory"),
        "Change the field it names in the Workspace's spec",
        shell("sleep 600", resources={"limits": {"memory": "1Gi"}}),
        alone=True,
        beside=lambda _: made("LimitRange", spec={"limits": [SMALL]})("tight"),
    ),
    Fault(
        "Service of that name",
        ("Degraded", "True", "NameTaken", "Service"),
        "Delete or rename that Service",
        shell("sleep 600"),
        beside=made("Service", spec={"ports": [{"port": 80}]}),
    ),
    Fault(
        "Deployment of that name",
        ("Degraded", "True", "NameTaken", "Deployment"),
        "Delete or rename that Deployment",
        shell("sleep 600"),
        beside=made("Deployment", "apps/v1", spec=DEPLOYMENT),
    ),
    Fault(
        "claim of that name",
        ("Degraded", "True", "NameTaken", "PersistentVolumeClaim"),
        "or hand it over (annotation guildnet.io/workspace-uid)",
        STORED,
        beside=made("PersistentVolumeClaim", suffix="-storage", spec=CLAIM),
    ),
    Fault(
        "pod that Pod Security does not admit",
        ("Degraded", "True", "PodSecurityRefused", "violates PodSecurity"),
        "change what the message names",
        shell("sleep 600", running=False),
        then=on_the_host_network,
    ),
    Fault(
        "exposure without the install's consent",
        ("Degraded", "True", "ExposureRefused", "LoadBalancer"),
        "an administrator can allow it",
        shell("sleep 600", exposure={"type": "LoadBalancer"}),
    ),
)
