"""What a Workspace says of itself in every state it can be in, one line each."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from guildnet.web.entries import Entry
from guildnet.workspace import WorkspaceStatus
from guildnet_operator.plan.plan import Policy
from guildnet_operator.status.conditions import TABLE
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Problem, Snapshot
from guildnet_operator.status.status import observe
from unit.operator.values import LOCAL, NAME, NOW, UID, pod, snapshot, workspace

LATER = "2026-11-24T11:00:00Z"
NOT_READY = {"Ready": {"status": "False", "message": "containers with unready status: [workspace]"}}


def _waiting(reason: str, message: str = "in its own words", **more: Any) -> list[dict[str, Any]]:
    container = {"state": {"waiting": {"reason": reason, "message": message}}, "imageID": "", "started": False} | more
    return [pod(conditions=NOT_READY, container=container)]


def _ended(reason: str, exit_code: int, message: str = "", *, ran: int = 1) -> dict[str, Any]:
    """How a run of `ran` seconds ended."""
    begun = datetime.fromisoformat(NOW) - timedelta(seconds=ran)
    times = {"startedAt": f"{begun:%Y-%m-%dT%H:%M:%SZ}", "finishedAt": NOW}
    return {"terminated": {"reason": reason, "exitCode": exit_code, "message": message, **times}}


def _not_ready_since(time: str) -> dict[str, Any]:
    return {"Ready": {**NOT_READY["Ready"], "lastTransitionTime": time}}


def _running_since(time: str) -> dict[str, Any]:
    return {"state": {"running": {"startedAt": time}}}


UNPLACED = pod(
    spec={"nodeName": ""},
    phase="Pending",
    conditions={
        "PodScheduled": {"status": "False", "message": "0/1 nodes are available: 1 Insufficient memory."},
        "Ready": {"status": "False"},
    },
    containerStatuses=[],
)
PENDING_CLAIM = {"PersistentVolumeClaim": {"status": {"phase": "Pending"}}}
BOUND_CLAIM = {"PersistentVolumeClaim": {"status": {"phase": "Bound"}}}
FAILURE = {"type": "ReplicaFailure", "status": "True", "message": 'pods "x" is forbidden: exceeded quota: tight'}
STORED = workspace(storage={"size": "1Gi", "retain": True})

# name → (snapshot, phase, {condition: (status, reason)}, words that some message has to say)
STATES: dict[str, tuple[Snapshot, str, dict[str, tuple[str, str]], tuple[str, ...]]] = {
    "running": (
        snapshot(),
        "Running",
        {
            "Ready": ("True", "Ready"),
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
        {"Degraded": ("True", "CrashLoop")},
        ('exec: "nope": not found', "there is no log", "check command and args"),
    ),
    "out of memory": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("OOMKilled", 137), restartCount=1)),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        ("resources.limits.memory",),
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
            probe_failures={"uid-of-lab-pod": "Startup probe failed: HTTP probe failed with statuscode: 404"},
        ),
        "Pending",
        {"Ready": ("False", "NotAnswering")},
        ("statuscode: 404", "log, port and probe"),
    ),
    "ready, whatever its probes said before": (
        snapshot(probe_failures={"uid-of-lab-pod": "Startup probe failed: connection refused"}),
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
                 probe_failures={"uid-of-lab-pod": "Startup probe failed: connection refused"}),
        "Failed",
        {"Ready": ("False", "NotAnswering"), "Degraded": ("True", "NotAnswering")},
        ("300 seconds", "connection refused", "1 times", "log, port and probe"),
    ),
    "ended by its startup probe, running for the moment": (
        snapshot(pods=[pod(conditions=NOT_READY, container={
                     "started": False, "lastState": _ended("Error", 137, ran=300), "restartCount": 2})],
                 probe_failures={"uid-of-lab-pod": "Startup probe failed: connection refused"}),
        "Failed",
        {"Ready": ("False", "NotAnswering"), "Degraded": ("True", "NotAnswering")},
        ("2 times",),
    ),
    "crashed by itself while its startup probe failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1, ran=20), restartCount=1),
                 probe_failures={"uid-of-lab-pod": "Startup probe failed: connection refused"}),
        "Failed",
        {"Ready": ("False", "CrashLoop"), "Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "crashed after it had served for long": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("Error", 1, ran=4000), restartCount=1),
                 probe_failures={"uid-of-lab-pod": "Readiness probe failed: connection refused"}),
        "Failed",
        {"Degraded": ("True", "CrashLoop")},
        ("exit code 1",),
    ),
    "out of memory while its startup probe failed": (
        snapshot(pods=_waiting("CrashLoopBackOff", lastState=_ended("OOMKilled", 137, ran=305), restartCount=1),
                 probe_failures={"uid-of-lab-pod": "Startup probe failed: connection refused"}),
        "Failed",
        {"Degraded": ("True", "OutOfMemory")},
        (),
    ),
    "evicted": (
        snapshot(pods=[pod(phase="Failed", reason="Evicted", message="low on disk", conditions=NOT_READY)]),
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
    "never became ready": (
        snapshot(
            pods=[pod(conditions=NOT_READY, container={"started": False})],
            changed={
                "Deployment": {
                    "status": {
                        "observedGeneration": 1,
                        "conditions": [{"type": "Progressing", "status": "False", "message": "has timed out"}],
                    }
                }
            },
        ),
        "Failed",
        {"Degraded": ("True", "StartDeadlineExceeded")},
        ("has timed out",),
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
        "Failed",
        {"Ready": ("False", "PredecessorLeaving")},
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
        snapshot(port=None),
        "Running",
        {"RouteReady": ("False", "PortsExhausted")},
        ("65535",),
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
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_told_by_phase_and_conditions(state):
    seen, phase, conditions, words = STATES[state]
    status = observe(seen, now=NOW)
    assert status.phase == phase
    found = {item.type: (item.status, item.reason) for item in status.conditions}
    assert conditions.items() <= found.items(), found
    said = " ".join([*(item.message for item in status.conditions), status.last_error or ""])
    for word in words:
        assert word in said


@pytest.mark.parametrize("state", STATES)
def test_every_condition_is_there_with_generation_time_reason_and_message(state):
    status = observe(STATES[state][0], now=NOW)
    assert [item.type for item in status.conditions] == list(TABLE)
    assert status.observed_generation == 3
    for item in status.conditions:
        assert (item.observed_generation, item.last_transition_time) == (3, NOW)
        assert item.reason
        assert item.message.endswith((".", "?", ":")), item.message


@pytest.mark.parametrize("state", STATES)
def test_seen_again_nothing_has_changed(state):
    seen = STATES[state][0]
    first = observe(seen, now=NOW)
    again = dataclasses.replace(seen, workspace=dataclasses.replace(seen.workspace, status=first))
    assert observe(again, now=LATER) == first


def test_the_transition_time_moves_with_the_status_alone():
    ready = observe(snapshot(), now=NOW)
    before = dataclasses.replace(workspace(), status=ready)
    after = observe(dataclasses.replace(STATES["unschedulable"][0], workspace=before), now=LATER)
    times = {item.type: item.last_transition_time for item in after.conditions}
    assert times["Ready"] == LATER
    assert times["RouteReady"] == NOW


def test_addresses_of_a_running_workspace():
    status = observe(snapshot(), now=NOW)
    assert status.service_dns == f"{NAME}.guildnet-workspaces.svc"
    assert status.service_ip == "10.96.0.7"
    assert status.service_uid == "uid-of-Service"
    assert status.proxy_target == f"http://{NAME}.guildnet-workspaces.svc:8080"
    assert status.origin is not None
    assert (status.origin.port, status.origin.host) == (20007, f"{NAME}-{UID[:8]}")
    assert (status.node, status.pod_name, status.ready_replicas) == ("node-1", "lab-pod", 1)


@pytest.mark.parametrize(
    ("entries", "url"),
    [
        ((LOCAL,), f"http://{NAME}-{UID[:8]}.guildnet.localhost:8080/"),
        ((Entry("tailnet", "https://g.ts.example", "port"), LOCAL), "https://g.ts.example:20007/"),
        (
            (Entry("tailnet", "https://g.ts.example", "path"), Entry("domain", "https://g.example", "host"), LOCAL),
            f"https://{NAME}-{UID[:8]}.g.example/",
        ),
        ((Entry("local", "http://guildnet.localhost", "path"),), None),
        ((), None),
    ],
)
def test_the_url_is_that_of_the_first_entry_that_gives_origins(entries, url):
    assert observe(snapshot(entries=entries), now=NOW).url == url


def test_a_load_balancers_address_is_the_external_url_and_the_url_where_no_entry_gives_one():
    given = {"Service": {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}}
    status = observe(snapshot(policy=Policy(load_balancer=True), changed=given, entries=()), now=NOW)
    assert status.external_url == status.url == "http://192.0.2.7:8080/"


def test_an_ingress_is_the_external_url_beside_the_origin():
    status = observe(snapshot(policy=Policy(domain="apps.example.com", tls_secret="t")), now=NOW)
    assert status.external_url == f"https://{NAME}.apps.example.com/"
    assert status.url == f"http://{NAME}-{UID[:8]}.guildnet.localhost:8080/"


def test_a_pod_of_the_earlier_template_does_not_make_it_ready():
    seen = snapshot(
        template_of_the_pods={"metadata": {}, "spec": {"containers": [{"name": "workspace", "image": "old"}]}}
    )
    status = observe(seen, now=NOW)
    assert status.ready_replicas == 0
    progressing = status.condition("Progressing")
    assert progressing is not None
    assert progressing.reason == "Updating"


def test_the_last_error_of_a_recovered_workspace_is_still_told():
    status = observe(STATES["restarted once and well again"][0], now=NOW)
    assert status.last_error is not None
    assert "exit code 137 (OOMKilled)" in status.last_error
    assert observe(snapshot(), now=NOW).last_error is None


def test_the_words_of_others_are_cut_to_what_the_schema_takes():
    problem = Problem(Reason.REFUSED, "Deployment", NAME, "x" * 100_000)
    status = observe(snapshot(without=("Deployment",), pods=[], problems=(problem,)), now=NOW)
    assert status.last_error is not None
    assert len(status.last_error) <= 4096
    assert all(len(item.message) <= 32768 for item in status.conditions)


def test_a_fresh_status_differs_from_none_at_all():
    assert observe(snapshot(), now=NOW) != WorkspaceStatus()
