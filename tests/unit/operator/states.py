"""States that a Workspace can be in, and what it has to say of itself in each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from guildnet.workspace.admission import Limit
from guildnet_operator.plan.plan import Policy
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Admission, Problem, Snapshot
from guildnet_operator.watch.pod_events import About
from unit.operator.values import LATER, LOCAL, NAME, NOW, TAILNET, pod, snapshot, workspace

NOT_READY = {"Ready": {"status": "False", "message": "containers with unready status: [workspace]"}}


def _made_before(item: dict[str, Any], seconds: int) -> dict[str, Any]:
    """The pod, made so many seconds before `NOW`."""
    made = f"{datetime.fromisoformat(NOW) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
    return {**item, "metadata": {**item["metadata"], "creationTimestamp": made}}


def _waiting(reason: str, message: str = "in its own words", **more: Any) -> list[dict[str, Any]]:
    container = {"state": {"waiting": {"reason": reason, "message": message}}, "imageID": "", "started": False} | more
    return [pod(conditions=NOT_READY, container=container)]


def _ended(reason: str, exit_code: int, message: str = "", *, ran: int = 1) -> dict[str, Any]:
    """How a run of `ran` seconds ended."""
    begun = datetime.fromisoformat(NOW) - timedelta(seconds=ran)
    times = {"startedAt": f"{begun:%Y-%m-%dT%H:%M:%SZ}", "finishedAt": NOW}
    return {"terminated": {"reason": reason, "exitCode": exit_code, "message": message, **times}}


def _ended_later(reason: str, exit_code: int, seconds: int) -> dict[str, Any]:
    """The same, so many seconds after `NOW`."""
    ended = _ended(reason, exit_code)
    ended["terminated"]["finishedAt"] = f"{datetime.fromisoformat(NOW) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
    return ended


def _unavailable(kind: str) -> Problem:
    name = {"PersistentVolumeClaim": f"{NAME}-storage", "Secret": f"{NAME}-password"}.get(kind, NAME)
    return Problem(Reason.UNAVAILABLE, kind, name, 'failed calling webhook "x": connection refused')


def _not_ready_since(time: str) -> dict[str, Any]:
    return {"Ready": {**NOT_READY["Ready"], "lastTransitionTime": time}}


def _running_since(time: str) -> dict[str, Any]:
    return {"state": {"running": {"startedAt": time}}}


def _conditions(*conditions: dict[str, Any]) -> dict[str, Any]:
    """Of the Deployment, about its present spec."""
    return {"Deployment": {"status": {"observedGeneration": 1, "conditions": list(conditions)}}}


UNPLACED = pod(
    spec={"nodeName": ""},
    phase="Pending",
    conditions={
        "PodScheduled": {"status": "False", "message": "0/1 nodes are available: 1 Insufficient memory."},
        "Ready": {"status": "False"},
    },
    containerStatuses=[],
)
NO_VOLUME = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
WITHOUT_VOLUME = pod(
    spec={"nodeName": ""},
    phase="Pending",
    conditions={"PodScheduled": {"status": "False", "message": NO_VOLUME}, "Ready": {"status": "False"}},
    containerStatuses=[],
)
PENDING_CLAIM = {"PersistentVolumeClaim": {"status": {"phase": "Pending"}}}
BOUND_CLAIM = {"PersistentVolumeClaim": {"status": {"phase": "Bound"}}}
FAILURE = {"type": "ReplicaFailure", "status": "True", "message": 'pods "x" is forbidden: exceeded quota: tight'}
TIMED_OUT = {"type": "Progressing", "status": "False", "message": "has timed out"}
TOLD_OUT_OF_MEMORY = {
    "type": "Degraded",
    "status": "True",
    "reason": "OutOfMemory",
    "message": "",
    "lastTransitionTime": NOW,
}
STARTING = pod(conditions=NOT_READY, container={"started": False})
CHANGES = "changes spec.replicas (field manager night)"
FEW = Limit(3, "capability/few")
STORED = workspace(storage={"size": "1Gi", "retain": True})

# name → (snapshot, phase, {condition: (status, reason)}, words that some message has to say)
STATES: dict[str, tuple[Snapshot, str, dict[str, tuple[str, str]], tuple[str, ...]]] = {
    "running": (
        snapshot(),
        "Running",
        {
            "Ready": ("True", "Ready"),
            "Admitted": ("True", "Admitted"),
            "Scheduled": ("True", "Scheduled"),
            "ImagePulled": ("True", "ImagePresent"),
            "StorageReady": ("True", "NotRequested"),
            "RouteReady": ("True", "Routed"),
            "Progressing": ("False", "Settled"),
            "Stopped": ("False", "Running"),
            "Degraded": ("False", "AsExpected"),
        },
        ("node-1",),
    ),
    "running within a limit": (
        snapshot(workspace(annotations={"guildnet.io/owner": "ada@example.com"}), admission=Admission(FEW)),
        "Running",
        {"Ready": ("True", "Ready"), "Admitted": ("True", "WithinLimit")},
        ("one of at most 3 at once that capability/few allows (owner: ada@example.com)",),
    ),
    "waits for a place": (
        snapshot(
            STORED, admission=Admission(FEW, waits=True), pods=[], port=None,
            without=("Deployment", "Service", "PersistentVolumeClaim"),
        ),
        "Pending",
        {
            "Ready": ("False", "LimitReached"), "Admitted": ("False", "LimitReached"), "Scheduled": ("False", "NoPod"),
            "ImagePulled": ("Unknown", "NoPod"), "StorageReady": ("False", "LimitReached"),
            "RouteReady": ("False", "LimitReached"), "Progressing": ("False", "LimitReached"),
            "Stopped": ("False", "LimitReached"), "Degraded": ("False", "AsExpected"),
        },
        ("The 3 workspaces that Capability few allows at once are in use: stop or delete one, and this one starts by",),
    ),
    "waits for a place, having run before": (
        snapshot(admission=Admission(FEW, waits=True), pods=[]),
        "Pending",
        {"Ready": ("False", "LimitReached"), "RouteReady": ("True", "Routed"), "Stopped": ("False", "LimitReached")},
        ("those without an owner count together",),
    ),
    "its place was taken while its pod ended": (
        snapshot(admission=Admission(FEW, waits=True)),
        "Pending",
        {"Ready": ("False", "Stopping"), "Admitted": ("False", "LimitReached"), "Stopped": ("False", "Stopping")},
        (),
    ),
    "nothing made yet": (
        snapshot(without=("Deployment", "Service"), pods=[]),
        "Pending",
        {"Ready": ("False", "Creating"), "RouteReady": ("False", "ServicePending"), "Scheduled": ("False", "NoPod")},
        (),
    ),
    "unschedulable": (
        snapshot(pods=[UNPLACED]),
        "Pending",
        {
            "Ready": ("False", "Unschedulable"),
            "Scheduled": ("False", "Unschedulable"),
            "Degraded": ("False", "AsExpected"),
        },
        ("Insufficient memory", "spec.resources"),
    ),
    "being prepared": (
        snapshot(pods=_waiting("ContainerCreating", "")),
        "Pending",
        {"Ready": ("False", "Starting"), "ImagePulled": ("Unknown", "Pulling"), "Progressing": ("True", "Starting")},
        (),
    ),
    "image cannot be pulled": (
        snapshot(pods=_waiting("ErrImagePull", "manifest unknown")),
        "Failed",
        {
            "Ready": ("False", "ImagePullFailed"),
            "ImagePulled": ("False", "ImagePullFailed"),
            "Degraded": ("True", "ImagePullFailed"),
            "Progressing": ("False", "Blocked"),
        },
        ("example.com/app:1", "manifest unknown", "pull secret"),
    ),
    "a Secret its env names is missing": (
        snapshot(pods=_waiting("CreateContainerConfigError", 'secret "s" not found')),
        "Failed",
        {"Degraded": ("True", "ContainerConfiguration")},
        ('secret "s" not found', "env"),
    ),
    "crash loop": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 2, "boom"), restartCount=3, imageID="x")),
        "Failed",
        {"Ready": ("False", "CrashLoop"), "Degraded": ("True", "CrashLoop"), "ImagePulled": ("True", "ImagePresent")},
        ("exit code 2", "boom", "3 times", "log"),
    ),
    "crash loop, running for the moment": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"lastState": _ended("Error", 1), "restartCount": 1})]),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "its command is not in the image": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("StartError", 128, 'exec: "nope": not found'))),
        "Failed",
        {"Degraded": ("True", "ContainerConfiguration")},
        ('exec: "nope": not found', "there is no log", "check command and args"),
    ),
    "out of memory": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("OOMKilled", 137), restartCount=1)),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        ("resources.limits.memory",),
    ),
    "killed without a cause after it was out of memory": (
        snapshot(workspace(status={"conditions": [TOLD_OUT_OF_MEMORY]}),
                 pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 137), restartCount=2)),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        ("2 times", "resources.limits.memory"),
    ),
    "lost sight of by its node after it was out of memory": (
        snapshot(workspace(status={"conditions": [TOLD_OUT_OF_MEMORY]}),
                 pods=_waiting("CrashLoopBackOff", lastState=_ended("ContainerStatusUnknown", 137), restartCount=2)),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 137",),
    ),
    "ended by itself after it was out of memory": (
        snapshot(workspace(status={"conditions": [TOLD_OUT_OF_MEMORY]}),
                 pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1), restartCount=2)),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "killed without a cause": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 137), restartCount=2)),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 137",),
    ),
    "killed without a cause, with a limit of memory": (
        snapshot(workspace(resources={"limits": {"memory": "24Mi"}}),
                 pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 137), restartCount=1)),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        ("most likely", "may have 24Mi", "resources.limits.memory"),
    ),
    "ended by itself with a limit of memory": (
        snapshot(workspace(resources={"limits": {"memory": "24Mi"}}),
                 pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1), restartCount=1)),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "restarted once and well again": (
        snapshot(pods=[pod(container={"lastState": _ended("OOMKilled", 137), "restartCount": 1})]),
        "Running",
        {"Ready": ("True", "Ready"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "starting": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"started": False})]),
        "Pending",
        {"Ready": ("False", "Starting")},
        ("port 8080",),
    ),
    "starting, and its probe keeps failing": (
        snapshot(
            pods=[pod(conditions=NOT_READY, container={"started": False})],
            warnings={About.PROBE: "Startup probe failed: HTTP probe failed with statuscode: 404"},
        ),
        "Pending",
        {"Ready": ("False", "NotAnswering")},
        ("statuscode: 404", "log, port and probe"),
    ),
    "ready, whatever its probes said before": (
        snapshot(warnings={About.PROBE: "Startup probe failed: connection refused"}),
        "Running",
        {"Ready": ("True", "Ready")},
        (),
    ),
    "started, and has yet to answer its readiness probe for the first time": (
        snapshot(pods=[pod(conditions=_not_ready_since(NOW), container=_running_since(LATER))]),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("False", "AsExpected")},
        ("waiting for",),
    ),
    "does not answer any more": (
        snapshot(pods=[pod(conditions=_not_ready_since(LATER), container=_running_since(NOW))]),
        "Pending",
        {"Ready": ("False", "NotAnswering"), "Degraded": ("False", "AsExpected")},
        ("any more", "log, port and probe"),
    ),
    "restarted, and was ready in the run before": (
        snapshot(pods=[pod(conditions=_not_ready_since(NOW), container={"started": False} | _running_since(NOW))]),
        "Pending",
        {"Ready": ("False", "Starting")},
        (),
    ),
    "ended by its startup probe": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Completed", 0, ran=305), restartCount=1),
                 warnings={About.PROBE: "Startup probe failed: connection refused"}),
        "Failed",
        {"Ready": ("False", "NotAnswering"), "Degraded": ("True", "NotAnswering")},
        ("300 seconds", "connection refused", "1 times", "log, port and probe"),
    ),
    "ended by its startup probe, running for the moment": (
        snapshot(pods=[pod(conditions=NOT_READY, container={
                     "started": False, "lastState": _ended("Error", 137, ran=300), "restartCount": 2})],
                 warnings={About.PROBE: "Startup probe failed: connection refused"}),
        "Failed",
        {"Ready": ("False", "NotAnswering"), "Degraded": ("True", "NotAnswering")},
        ("2 times",),
    ),
    "crashed by itself while its startup probe failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1, ran=20), restartCount=1),
                 warnings={About.PROBE: "Startup probe failed: connection refused"}),
        "Failed",
        {"Ready": ("False", "CrashLoop"), "Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "crashed after it had served for long": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1, ran=4000), restartCount=1),
                 warnings={About.PROBE: "Readiness probe failed: connection refused"}),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "out of memory while its startup probe failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("OOMKilled", 137, ran=305), restartCount=1),
                 warnings={About.PROBE: "Startup probe failed: connection refused"}),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        (),
    ),
    "evicted": (
        snapshot(pods=[pod(phase="Failed", reason="Evicted", message="low on disk", conditions=NOT_READY,
                           container={"state": _ended("Error", 137)})]),
        "Failed",
        {"Degraded": ("True", "PodFailed")},
        ("Evicted low on disk",),
    ),
    "evicted while its volume could not be attached": (
        snapshot(STORED, changed=BOUND_CLAIM, warnings={About.VOLUME: 'Multi-Attach error for volume "pv-1"'},
                 pods=[pod(phase="Failed", reason="Evicted", message="low on disk", conditions=NOT_READY,
                           container={"state": {"waiting": {"reason": "ContainerCreating"}}, "imageID": "",
                                      "started": False})]),
        "Failed",
        {"Degraded": ("True", "PodFailed")},
        ("Evicted low on disk",),
    ),
    "pod over quota": (
        snapshot(pods=[], changed={"Deployment": {"status": {"observedGeneration": 1, "conditions": [FAILURE]}}}),
        "Failed",
        {"Degraded": ("True", "QuotaExceeded"), "Ready": ("False", "QuotaExceeded")},
        ("exceeded quota: tight", "quota raised"),
    ),
    "pod over quota before the spec was changed": (
        snapshot(pods=[], changed={"Deployment": {"status": {"observedGeneration": 0, "conditions": [FAILURE]}}}),
        "Pending",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "slow to pull": (
        snapshot(pods=_waiting("ContainerCreating", ""), changed=_conditions(TIMED_OUT)),
        "Pending",
        {"Ready": ("False", "Starting"), "ImagePulled": ("Unknown", "Pulling"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "slow to start, as its probe allows": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"started": False})], changed=_conditions(TIMED_OUT)),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "its volume cannot be attached": (
        snapshot(STORED, changed=BOUND_CLAIM, pods=_waiting("ContainerCreating", ""),
                 warnings={About.VOLUME: 'Multi-Attach error for volume "pv-1"'}),
        "Failed",
        {"Ready": ("False", "VolumeNotMounted"), "Degraded": ("True", "VolumeNotMounted")},
        ('Multi-Attach error for volume "pv-1"', "node node-1", "some minutes"),
    ),
    "its sandbox cannot be made": (
        snapshot(pods=_waiting("ContainerCreating", ""), warnings={About.SANDBOX: "plugin cni failed (add)."}),
        "Failed",
        {"Ready": ("False", "SandboxFailed"), "Degraded": ("True", "SandboxFailed")},
        ("plugin cni failed (add). That", "kubectl describe node node-1"),
    ),
    "what kept its volume is over": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"started": False})],
                 warnings={About.VOLUME: "timed out", About.SANDBOX: "plugin cni failed"}),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "ended by its liveness probe": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended_later("Completed", 0, 31), restartCount=1),
                 warnings={About.LIVENESS: "Liveness probe failed: context deadline exceeded."}),
        "Failed",
        {"Ready": ("False", "NotAnswering"), "Degraded": ("True", "NotAnswering")},
        ("context deadline exceeded. It was restarted 1 times", "log, port and probe"),
    ),
    "crashed long after its liveness probe had failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended_later("Error", 1, 61), restartCount=1),
                 warnings={About.LIVENESS: "Liveness probe failed: context deadline exceeded"}),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        (),
    ),
    "crashed before its liveness probe failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended_later("Error", 1, -1), restartCount=1),
                 warnings={About.LIVENESS: "Liveness probe failed: context deadline exceeded"}),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        (),
    ),
    "out of memory as its liveness probe failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended_later("OOMKilled", 137, 1), restartCount=1),
                 warnings={About.LIVENESS: "Liveness probe failed: context deadline exceeded"}),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        (),
    ),
    "stopped, and an evicted pod is left": (
        snapshot(workspace(running=False), pods=[pod(phase="Failed", reason="Evicted", conditions=NOT_READY)]),
        "Stopped",
        {"Stopped": ("True", "Stopped"), "Ready": ("False", "Stopped"), "Progressing": ("False", "Settled")},
        (),
    ),
    "runs, and an evicted pod is left": (
        snapshot(pods=[pod(name="lab-zzz", phase="Failed", reason="Evicted", conditions=NOT_READY), pod()]),
        "Running",
        {"Ready": ("True", "Ready"), "Degraded": ("False", "AsExpected"), "Progressing": ("False", "Settled")},
        (),
    ),
    "never became ready": (
        snapshot(
            pods=[pod(conditions=NOT_READY)],
            changed={
                "Deployment": {
                    "status": {
                        "observedGeneration": 1,
                        "conditions": [
                            {"type": "Available", "status": "False", "message": "has few replicas"},
                            {"type": "Progressing", "status": "False", "message": "has timed out."},
                        ],
                    }
                }
            },
        ),
        "Failed",
        {"Degraded": ("True", "StartDeadlineExceeded")},
        ("in time: has timed out. Check",),
    ),
    "timed out, before anybody looked at its spec": (
        snapshot(pods=[pod(conditions=NOT_READY)], changed={"Deployment": {"status": {"conditions": [TIMED_OUT]}}}),
        "Pending",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "a Secret of another is referred to": (
        snapshot(without=("Deployment",), pods=[],
                 problems=(Problem(Reason.FOREIGN_SECRET, "Secret", "theirs", "it belongs to another Workspace"),)),
        "Failed",
        {"Degraded": ("True", "SecretRefused")},
        ("Env refers to Secret theirs, which is not for this Workspace", "Workspace. Refer to a Secret of your own."),
    ),
    "NetworkPolicy refused by a quota while it starts": (
        snapshot(pods=[STARTING],
                 problems=(Problem(Reason.REFUSED, "NetworkPolicy", f"{NAME}-exposure", "exceeded quota: tight"),)),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("True", "QuotaExceeded")},
        (),
    ),
    "NetworkPolicy refused by a quota": (
        snapshot(problems=(Problem(Reason.REFUSED, "NetworkPolicy", f"{NAME}-exposure", "exceeded quota: tight"),)),
        "Running",
        {"Ready": ("True", "Ready"), "Degraded": ("True", "QuotaExceeded")},
        ("exceeded quota: tight",),
    ),
    "Service name taken": (
        snapshot(without=("Service",), problems=(Problem(Reason.NAME_TAKEN, "Service", NAME),)),
        "Failed",
        {"Degraded": ("True", "NameTaken"), "Ready": ("False", "NameTaken"), "RouteReady": ("False", "NameTaken")},
        (f"Service {NAME} exists and does not belong to this Workspace", "Delete or rename"),
    ),
    "claim name taken": (
        snapshot(STORED, without=("PersistentVolumeClaim",), pods=[],
             problems=(Problem(Reason.NAME_TAKEN, "PersistentVolumeClaim", f"{NAME}-storage"),)),
        "Failed",
        {"Degraded": ("True", "NameTaken"), "StorageReady": ("False", "NameTaken")},
        ("guildnet.io/workspace-uid",),
    ),
    "predecessor still leaving": (
        snapshot(without=("Deployment",), pods=[], problems=(Problem(Reason.LEFTOVER, "Deployment", NAME),)),
        "Pending",
        {
            "Ready": ("False", "PredecessorLeaving"),
            "Progressing": ("True", "PredecessorLeaving"),
            "Degraded": ("False", "AsExpected"),
        },
        ("garbage",),
    ),
    "refused by the API server": (
        snapshot(without=("Service",),
             problems=(Problem(Reason.REFUSED, "Service", NAME, "spec.ports[0].name: Invalid value"),)),
        "Failed",
        {"Degraded": ("True", "Refused")},
        ("spec.ports[0].name: Invalid value", "spec"),
    ),
    "claim pending": (
        snapshot(STORED, changed=PENDING_CLAIM, pods=[UNPLACED]),
        "Pending",
        {"StorageReady": ("False", "Pending")},
        ("provisioner",),
    ),
    "its claim has no volume yet": (
        snapshot(STORED, changed=PENDING_CLAIM, pods=[WITHOUT_VOLUME]),
        "Pending",
        {
            "Ready": ("False", "StoragePending"),
            "Scheduled": ("False", "StoragePending"),
            "StorageReady": ("False", "Pending"),
            "Degraded": ("False", "AsExpected"),
        },
        ("Claim lab-1a2b3-storage has no volume", "unbound immediate", "kubectl get storageclass"),
    ),
    "its claim has had no volume for a minute": (
        snapshot(STORED, changed=PENDING_CLAIM, pods=[_made_before(WITHOUT_VOLUME, 60)]),
        "Pending",
        {"Ready": ("False", "StoragePending"), "Degraded": ("True", "StoragePending")},
        (),
    ),
    "its claim has had no volume for less than a minute": (
        snapshot(STORED, changed=PENDING_CLAIM, pods=[_made_before(WITHOUT_VOLUME, 59)]),
        "Pending",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "its claim of a class has no volume yet": (
        snapshot(workspace(storage={"size": "1Gi", "storageClassName": "fast"}), changed=PENDING_CLAIM,
                 pods=[_made_before(WITHOUT_VOLUME, 61)]),
        "Pending",
        {"Ready": ("False", "StoragePending"), "Degraded": ("True", "StoragePending")},
        ("Its storage class is fast: is",),
    ),
    "its claim is not there yet": (
        snapshot(STORED, without=("PersistentVolumeClaim",), pods=[_made_before(WITHOUT_VOLUME, 61)]),
        "Pending",
        {"Ready": ("False", "StoragePending"), "StorageReady": ("False", "Pending")},
        ("Its storage class is none: is",),
    ),
    "stopping, and its claim never had a volume": (
        snapshot(workspace(running=False, storage={"size": "1Gi"}), changed=PENDING_CLAIM,
                 pods=[_made_before(WITHOUT_VOLUME, 61)]),
        "Pending",
        {"Ready": ("False", "Stopping"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "no node takes it, whatever its claim is": (
        snapshot(STORED, changed=PENDING_CLAIM, pods=[_made_before(UNPLACED, 600)]),
        "Pending",
        {"Ready": ("False", "Unschedulable"), "Degraded": ("False", "AsExpected")},
        ("Insufficient memory",),
    ),
    "claim bound and kept": (
        snapshot(STORED, changed=BOUND_CLAIM),
        "Running",
        {"StorageReady": ("True", "Bound")},
        ("stays when the Workspace is deleted",),
    ),
    "exposure refused": (
        snapshot(workspace(exposure={"type": "LoadBalancer"})),
        "Running",
        {"Ready": ("True", "Ready"), "Degraded": ("True", "ExposureRefused")},
        ("administrator",),
    ),
    "load balancer without an address": (
        snapshot(policy=Policy(load_balancer=True)),
        "Running",
        {"Ready": ("True", "Ready"), "RouteReady": ("False", "AddressPending")},
        (),
    ),
    "ports used up": (
        snapshot(port=None, entries=(TAILNET, LOCAL)),
        "Running",
        {"RouteReady": ("False", "PortsExhausted")},
        ("65535",),
    ),
    "no port where no entry needs one": (
        snapshot(port=None),
        "Running",
        {"RouteReady": ("True", "Routed")},
        (),
    ),
    "the port counter cannot be had": (
        snapshot(port=None, entries=(TAILNET, LOCAL), no_port="configmaps is forbidden"),
        "Running",
        {"RouteReady": ("False", "PortPending"), "Ready": ("True", "Ready"), "Degraded": ("False", "AsExpected")},
        ("configmaps is forbidden", "helm upgrade"),
    ),
    "its Deployment cannot be made": (
        snapshot(without=("Deployment",), pods=[], problems=(_unavailable("Deployment"),)),
        "Failed",
        {
            "Ready": ("False", "Unavailable"),
            "Degraded": ("True", "Unavailable"),
            "Progressing": ("False", "Blocked"),
            "RouteReady": ("True", "Routed"),
        },
        ("Deployment lab-1a2b3", 'failed calling webhook "x"', "tried again by itself"),
    ),
    "its Service cannot be put right, and it runs": (
        snapshot(problems=(_unavailable("Service"),)),
        "Running",
        {"Ready": ("True", "Ready"), "Degraded": ("True", "Unavailable"), "RouteReady": ("False", "Unavailable")},
        ('failed calling webhook "x"',),
    ),
    "its Service cannot be put right, and its pod crashed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1), restartCount=2),
                 problems=(_unavailable("Service"),)),
        "Failed",
        {"Ready": ("False", "CrashLoop"), "Degraded": ("True", "CrashLoop"), "RouteReady": ("False", "Unavailable")},
        (),
    ),
    "its Service cannot be put right, and its pod starts": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"started": False})], problems=(_unavailable("Service"),)),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("True", "Unavailable")},
        (),
    ),
    "its Deployment cannot be changed, and its pod crashed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1), restartCount=2),
                 problems=(_unavailable("Deployment"),)),
        "Failed",
        {"Ready": ("False", "Unavailable"), "Degraded": ("True", "Unavailable")},
        (),
    ),
    "its claim cannot be made": (
        snapshot(STORED, without=("Deployment", "PersistentVolumeClaim"), pods=[],
                 problems=(_unavailable("PersistentVolumeClaim"),)),
        "Failed",
        {"Ready": ("False", "Unavailable"), "StorageReady": ("False", "Unavailable")},
        (),
    ),
    "its claim cannot be changed": (
        snapshot(STORED, changed=BOUND_CLAIM, problems=(_unavailable("PersistentVolumeClaim"),)),
        "Running",
        {"Ready": ("True", "Ready"), "StorageReady": ("False", "Unavailable"), "Degraded": ("True", "Unavailable")},
        (),
    ),
    "its Secret cannot be made": (
        snapshot(without=("Deployment",), pods=[], problems=(_unavailable("Secret"),)),
        "Failed",
        {"Ready": ("False", "Unavailable")},
        (),
    ),
    "its Ingress cannot be made": (
        snapshot(problems=(_unavailable("Ingress"),)),
        "Running",
        {"Ready": ("True", "Ready"), "RouteReady": ("False", "Unavailable"), "Degraded": ("True", "Unavailable")},
        (),
    ),
    "somebody else changes its Deployment again and again": (
        snapshot(pods=[], problems=(Problem(Reason.CONTESTED, "Deployment", NAME, CHANGES),)),
        "Failed",
        {"Ready": ("False", "ChangedByOthers"), "Degraded": ("True", "ChangedByOthers")},
        ("changes spec.replicas (field manager night) of Deployment lab-1a2b3 again", "leave it alone"),
    ),
    "somebody else changes its Service again and again": (
        snapshot(problems=(Problem(Reason.CONTESTED, "Service", NAME, CHANGES),)),
        "Running",
        {
            "Ready": ("True", "Ready"),
            "Degraded": ("True", "ChangedByOthers"),
            "RouteReady": ("False", "ChangedByOthers"),
        },
        (),
    ),
    "somebody else changes its Service, and its pod crashed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1), restartCount=2),
                 problems=(Problem(Reason.CONTESTED, "Service", NAME, CHANGES),)),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        (),
    ),
    "starting, and its Ingress is refused": (
        snapshot(pods=[STARTING], problems=(Problem(Reason.REFUSED, "Ingress", NAME, "no"),)),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("True", "Refused")},
        (),
    ),
    "starting, and its Ingress cannot be made": (
        snapshot(pods=[STARTING], problems=(_unavailable("Ingress"),)),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("True", "Unavailable")},
        (),
    ),
    "starting, and its claim cannot be changed": (
        snapshot(STORED, changed=BOUND_CLAIM, pods=[STARTING], problems=(_unavailable("PersistentVolumeClaim"),)),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("True", "Unavailable")},
        (),
    ),
    "its Secret is being deleted by somebody": (
        snapshot(pods=_waiting("CreateContainerConfigError", 'secret "s" not found'),
                 problems=(Problem(Reason.CHILD_LEAVING, "Secret", f"{NAME}-password", "example.com/hold"),)),
        "Pending",
        {"Ready": ("False", "ChildLeaving"), "Degraded": ("True", "ChildLeaving")},
        ("Secret lab-1a2b3-password is being deleted",),
    ),
    "the Secret of its predecessor is still leaving": (
        snapshot(without=("Deployment",), pods=[],
                 problems=(Problem(Reason.LEFTOVER, "Secret", f"{NAME}-password"),)),
        "Pending",
        {"Ready": ("False", "PredecessorLeaving"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "its Service is being deleted by somebody": (
        snapshot(problems=(Problem(Reason.CHILD_LEAVING, "Service", NAME, "example.com/hold"),)),
        "Running",
        {"Ready": ("True", "Ready"), "RouteReady": ("False", "ChildLeaving"), "Degraded": ("True", "ChildLeaving")},
        ("example.com/hold", "made again"),
    ),
    "its Deployment is being deleted by somebody": (
        snapshot(pods=[], problems=(Problem(Reason.CHILD_LEAVING, "Deployment", NAME, ""),)),
        "Pending",
        {
            "Ready": ("False", "ChildLeaving"),
            "Progressing": ("True", "ChildLeaving"),
            "Degraded": ("True", "ChildLeaving"),
        },
        ("made again when it is gone.",),
    ),
    "stopping": (
        snapshot(workspace(running=False)),
        "Pending",
        {"Ready": ("False", "Stopping"), "Stopped": ("False", "Stopping"), "Progressing": ("True", "Stopping")},
        (),
    ),
    "stopped": (
        snapshot(workspace(running=False), pods=[]),
        "Stopped",
        {
            "Ready": ("False", "Stopped"),
            "Admitted": ("False", "Stopped"),
            "Stopped": ("True", "Stopped"),
            "Progressing": ("False", "Settled"),
            "RouteReady": ("True", "Routed"),
            "Degraded": ("False", "AsExpected"),
        },
        ("spec.running",),
    ),
    "old pod on its way out": (
        snapshot(pods=[pod(deleting=True)]),
        "Pending",
        {"Ready": ("False", "Creating"), "Progressing": ("True", "Updating")},
        (),
    ),
    "deleting": (
        snapshot(workspace(deleting=True)),
        "Terminating",
        {"Ready": ("False", "Terminating"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "claim being made": (
        snapshot(STORED, without=("PersistentVolumeClaim",), pods=[UNPLACED]),
        "Pending",
        {"StorageReady": ("False", "Pending")},
        ("is being created",),
    ),
    "claim of no class pending, without a status": (
        snapshot(workspace(storage={"size": "1Gi", "storageClassName": "fast"}), pods=[UNPLACED]),
        "Pending",
        {"StorageReady": ("False", "Pending")},
        ("storage class fast",),
    ),
    "claim bound and deleted with the Workspace": (
        snapshot(workspace(storage={"size": "1Gi"}), changed=BOUND_CLAIM),
        "Running",
        {"StorageReady": ("True", "Bound")},
        ("deleted with the Workspace",),
    ),
    "claim lost": (
        snapshot(STORED, changed={"PersistentVolumeClaim": {"status": {"phase": "Lost"}}}),
        "Running",
        {"StorageReady": ("False", "Lost")},
        ("restore it or delete the claim",),
    ),
    "claim kept of an earlier spec": (
        snapshot(claim={"metadata": {"name": f"{NAME}-storage"}}),
        "Running",
        {"StorageReady": ("True", "Kept")},
        (f"Claim {NAME}-storage of an earlier spec.storage is kept",),
    ),
    "claim refused": (
        snapshot(STORED, without=("PersistentVolumeClaim",), pods=[],
             problems=(Problem(Reason.REFUSED, "PersistentVolumeClaim", f"{NAME}-storage", "exceeded quota: tight"),)),
        "Failed",
        {"Degraded": ("True", "QuotaExceeded"), "StorageReady": ("False", "QuotaExceeded")},
        ("cannot be made or changed: exceeded quota: tight. Stop or delete another workspace",),
    ),
    "claim cannot grow": (
        snapshot(STORED, changed=BOUND_CLAIM,
             problems=(Problem(Reason.REFUSED, "PersistentVolumeClaim", "c", "the class must support resize"),)),
        "Running",
        {"Ready": ("True", "Ready"), "Degraded": ("True", "GrowthRefused"), "StorageReady": ("False", "GrowthRefused")},
        ("allowVolumeExpansion",),
    ),
    "claim without a volume cannot grow": (
        snapshot(STORED, changed=BOUND_CLAIM, problems=(
            Problem(Reason.REFUSED, "PersistentVolumeClaim", "c",
                    "spec: Forbidden: spec is immutable after creation except resources.requests"),)),
        "Running",
        {"Degraded": ("True", "GrowthRefused")},
        ("new Workspace with a volume of the new size",),
    ),
    "pod refused by Pod Security": (
        snapshot(pods=[], changed=_conditions({**FAILURE, "message": 'pods "x": violates PodSecurity "restricted"'})),
        "Failed",
        {"Degraded": ("True", "PodSecurityRefused"), "Ready": ("False", "PodSecurityRefused")},
        ("The cluster refuses the pod", "admits only restricted pods"),
    ),
    "pod refused by a limit range": (
        snapshot(pods=[], changed=_conditions({**FAILURE, "message": "must specify limits.memory"})),
        "Failed",
        {"Degraded": ("True", "QuotaExceeded")},
        ("spec.resources",),
    ),
    "a failure of the Deployment that is over": (
        snapshot(changed=_conditions({**FAILURE, "status": "False"})),
        "Running",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "a failure of the Deployment without words": (
        snapshot(pods=[], changed=_conditions({"type": "ReplicaFailure", "status": "True"})),
        "Failed",
        {"Degraded": ("True", "Refused")},
        ("Change the field it names",),
    ),
    "a failure of a Deployment that is meant to be stopped": (
        snapshot(workspace(running=False), pods=[], changed=_conditions(FAILURE)),
        "Stopped",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "stopped with a pod that crashed": (
        snapshot(workspace(running=False), pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 2))),
        "Pending",
        {"Ready": ("False", "Stopping"), "Degraded": ("False", "AsExpected"), "Scheduled": ("False", "NoPod"),
         "ImagePulled": ("Unknown", "NoPod")},
        (),
    ),
    "image cannot be pulled, without words": (
        snapshot(pods=_waiting("InvalidImageName", "")),
        "Failed",
        {"ImagePulled": ("False", "ImagePullFailed")},
        ("(InvalidImageName): no details",),
    ),
    "an image that is there and pulled anew": (
        snapshot(pods=_waiting("ImagePullBackOff", imageID="sha256:1")),
        "Failed",
        {"ImagePulled": ("True", "ImagePresent"), "Degraded": ("True", "ImagePullFailed")},
        (),
    ),
    "the container cannot be made, without words": (
        snapshot(pods=_waiting("RunContainerError", "")),
        "Failed",
        {"Degraded": ("True", "ContainerConfiguration")},
        ("(RunContainerError): no details",),
    ),
    "node lost": (
        snapshot(pods=[pod(conditions={"Ready": {"status": "False"}, "ContainersReady": {"status": "True"}})]),
        "Failed",
        {"Ready": ("False", "NodeLost"), "Degraded": ("True", "NodeLost")},
        ("Node node-1 does not report any more", "kubectl describe node node-1"),
    ),
    "ended once, not restarted yet": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"state": _ended("Completed", 0), "started": False})]),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 0", "restarted 0 times"),
    ),
    "ended with words of spaces": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 3, "  \n"), restartCount=2)),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("with exit code 3, restarted 2 times",),
    ),
    "evicted without words": (
        snapshot(pods=[pod(phase="Failed", conditions=NOT_READY)]),
        "Failed",
        {"Degraded": ("True", "PodFailed")},
        ("Pod lab-pod failed: no details",),
    ),
    "never became ready, because no node takes it": (
        snapshot(pods=[UNPLACED], changed=_conditions(TIMED_OUT)),
        "Pending",
        {"Ready": ("False", "Unschedulable"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "ready although its Deployment gave up before": (
        snapshot(changed=_conditions(TIMED_OUT)),
        "Running",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "no pod although its Deployment gave up": (
        snapshot(pods=[], changed=_conditions(TIMED_OUT)),
        "Failed",
        {"Degraded": ("True", "StartDeadlineExceeded")},
        ("Check its log, ports and probe",),
    ),
    "no node, without words": (
        snapshot(pods=[pod(spec={"nodeName": ""}, conditions={"PodScheduled": {"status": "False"}, **NOT_READY},
                           containerStatuses=[])]),
        "Pending",
        {"Scheduled": ("False", "Unschedulable")},
        ("no node takes the pod",),
    ),
    "not looked at by the scheduler": (
        snapshot(pods=[pod(spec={"nodeName": ""}, conditions={"PodScheduled": {}, **NOT_READY}, containerStatuses=[])]),
        "Pending",
        {"Scheduled": ("Unknown", "Pending"), "Ready": ("False", "Starting")},
        ("The container is being prepared; its image may be pulled now.",),
    ),
    "starting, without its Service": (
        snapshot(without=("Service",), pods=[pod(conditions=NOT_READY)]),
        "Pending",
        {"Ready": ("False", "ServicePending"), "RouteReady": ("False", "ServicePending")},
        ("The pod runs; waiting for its Service.",),
    ),
    "starting, asked by HTTP": (
        snapshot(workspace(image="code-server:1", probe={"type": "http", "path": "/healthz"}),
                 pods=[pod(conditions=NOT_READY, container={"started": False})]),
        "Pending",
        {"Ready": ("False", "Starting")},
        ("GET http://…:8080/healthz",),
    ),
    "starting, asked by nothing": (
        snapshot(workspace(probe={"type": "none"}), pods=[pod(conditions=NOT_READY)]),
        "Pending",
        {"Ready": ("False", "Starting")},
        ("its pod to be ready",),
    ),
    "Ingress name taken": (
        snapshot(policy=Policy(domain="apps.example.com"), without=("Ingress",),
                 problems=(Problem(Reason.NAME_TAKEN, "Ingress", NAME),)),
        "Running",
        {"RouteReady": ("False", "NameTaken"), "Degraded": ("True", "NameTaken")},
        (f"Ingress {NAME} cannot be made or changed: the name is taken.",),
    ),
    "Ingress refused": (
        snapshot(policy=Policy(domain="apps.example.com"), without=("Ingress",),
                 problems=(Problem(Reason.REFUSED, "Ingress", NAME, "denied by a webhook"),)),
        "Running",
        {"Ready": ("True", "Ready"), "RouteReady": ("False", "Refused"), "Degraded": ("True", "Refused")},
        ("cannot be made or changed: denied by a webhook. Change the field it names",),
    ),
    "load balancer with a name": (
        snapshot(policy=Policy(load_balancer=True),
                 changed={"Service": {"status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}}}),
        "Running",
        {"RouteReady": ("True", "Routed")},
        (),
    ),
    "a pod more than wanted": (
        snapshot(pods=[pod(conditions=NOT_READY), pod(name="lab-old", deleting=True)]),
        "Pending",
        {"Progressing": ("True", "Updating")},
        ("makes room for the new one",),
    ),
    "a failure of the Deployment, told of no generation": (
        snapshot(pods=[], changed={"Deployment": {"status": {"conditions": [FAILURE]}}}),
        "Pending",
        {"Degraded": ("False", "AsExpected")},
        (),
    ),
    "a Deployment without conditions": (
        snapshot(pods=[], changed={"Deployment": {"status": {"observedGeneration": 1}}}),
        "Pending",
        {"Ready": ("False", "Creating"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "running again, not counted as a restart": (
        snapshot(pods=[pod(conditions=NOT_READY, container={"lastState": _ended("Error", 1), "started": False})]),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("False", "AsExpected")},
        (),
    ),
    "starting, and its exposure refused": (
        snapshot(workspace(exposure={"type": "LoadBalancer"}),
                 pods=[pod(conditions=NOT_READY, container={"started": False})]),
        "Pending",
        {"Ready": ("False", "Starting"), "Degraded": ("True", "ExposureRefused"), "Progressing": ("True", "Starting")},
        (),
    ),
    "image cannot be pulled, and a name is taken": (
        snapshot(pods=_waiting("ErrImagePull", "manifest unknown"), without=("Service",),
                 problems=(Problem(Reason.NAME_TAKEN, "Service", NAME),)),
        "Failed",
        {"Degraded": ("True", "NameTaken"), "ImagePulled": ("False", "ImagePullFailed")},
        ("cannot be pulled (ErrImagePull): manifest unknown",),
    ),
}  # fmt: skip

TOLD_BY_THE_CLOCK = ("its claim has no volume yet", "its claim has had no volume for less than a minute")
"""States that say something else a while later although nothing happens."""
