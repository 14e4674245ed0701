"""What a Workspace says of itself in every state it can be in, one line each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from guildnet.web.entries import Entry
from guildnet.workspace import WorkspaceStatus, replace
from guildnet_operator.plan.plan import Policy
from guildnet_operator.status.conditions import TABLE, load_balancer_host
from guildnet_operator.status.diagnosis import diagnose, storage_told_in
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.refusals import reason_of, sentences
from guildnet_operator.status.snapshot import Problem
from guildnet_operator.status.status import observe
from support.golden import expected
from unit.operator.states import STATES, TOLD_BY_THE_CLOCK
from unit.operator.values import LATER, LOCAL, NAME, NOW, UID, pod, snapshot, workspace

WORDS = Path(__file__).parent / "golden" / "status.yaml"


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


@pytest.mark.parametrize("state", [state for state in STATES if state not in TOLD_BY_THE_CLOCK])
def test_seen_again_nothing_has_changed(state):
    seen = STATES[state][0]
    first = observe(seen, now=NOW)
    again = dataclasses.replace(seen, workspace=replace(seen.workspace, status=first))
    assert observe(again, now=LATER) == first


@pytest.mark.parametrize("state", STATES)
def test_when_a_claim_without_a_volume_is_told(state):
    seen = dataclasses.replace(STATES[state][0], now=NOW)
    left = {"its claim has no volume yet": 60, "its claim has had no volume for less than a minute": 1,
            "its claim has had no volume for a minute": 0, "its claim of a class has no volume yet": -1,
            "its claim is not there yet": -1}.get(state)  # fmt: skip
    assert storage_told_in(seen) == left


def test_the_transition_time_moves_with_the_status_alone():
    ready = observe(snapshot(), now=NOW)
    before = replace(workspace(), status=ready)
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


def test_how_long_the_start_of_its_pod_took_is_kept_as_long_as_the_pod():
    ready = {"Ready": {"status": "True", "lastTransitionTime": "2026-11-24T10:00:42Z"}}
    first = observe(snapshot(pods=[pod(conditions=ready)]), now=NOW)
    assert first.startup_seconds == 42
    before = replace(workspace(), status=first)
    again = {"Ready": {"status": "True", "lastTransitionTime": "2026-11-24T10:30:00Z"}}
    for conditions in ({"Ready": {"status": "False"}}, again):
        seen = dataclasses.replace(snapshot(pods=[pod(conditions=conditions)]), workspace=before)
        assert observe(seen, now=LATER).startup_seconds == 42
    other = dataclasses.replace(snapshot(pods=[pod(name="other", conditions=again)]), workspace=before)
    assert observe(other, now=LATER).startup_seconds == 1800
    assert observe(snapshot(pods=[pod(conditions={"Ready": {"status": "False"}})]), now=NOW).startup_seconds is None
    assert observe(snapshot(workspace(running=False)), now=NOW).startup_seconds is None


def test_a_fresh_status_differs_from_none_at_all():
    assert observe(snapshot(), now=NOW) != WorkspaceStatus()


@pytest.mark.parametrize("state", STATES)
def test_every_word_is_as_it_was_written(state, update_golden):
    """People read these and programs compare the reasons: a change of one is seen here. One file for all states."""
    status = observe(STATES[state][0], now=NOW)
    said = {
        "phase": str(status.phase),
        **{item.type: f"{item.status} {item.reason}: {item.message}" for item in status.conditions},
        **({"lastError": status.last_error} if status.last_error else {}),
    }
    assert said == expected(WORDS, STATES, state, said, update=update_golden)


@pytest.mark.parametrize(
    ("words", "reason", "step"),
    [
        ('pods "x" is forbidden: exceeded quota: tight', "QuotaExceeded", "ask for less"),
        ('pods "x" is forbidden: failed quota: q: must specify limits.memory', "QuotaExceeded", "spec.resources"),
        ("persistentvolumeclaims is forbidden: ... the storageclass that provisions the pvc must support resize",
         "GrowthRefused", "Set spec.storage.size back"),
        ("spec is immutable after creation except resources.requests", "GrowthRefused", "allowVolumeExpansion"),
        ('spec is immutable after creation except resources.requests\n- \tStorageClassName: &"a",\n+ ...',
         "FieldImmutable", "storageClassName back"),
        ('Deployment.apps "x" is invalid: spec.selector: field is immutable', "FieldImmutable", "set it back"),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "PodSecurityRefused", "restricted pods"),
        ('services is forbidden: User "system:serviceaccount:g:o" cannot create resource "services" in API group ""',
         "Forbidden", "helm upgrade"),
        ('admission webhook "policy.example" denied the request: no', "Refused", "policy of this cluster"),
        ("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", "Refused", "policy of this cluster"),
        ("Request entity too large: limit is 3145728", "TooLarge", "env, args and notes"),
        ("spec.ports[0].name: Invalid value", "Refused", "Change the field it names"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_kind_with_the_next_step(words, reason, step):
    problem = Problem(Reason.REFUSED, "Service", NAME, words)
    assert reason_of(problem) == reason
    assert step in sentences(problem)
    found = diagnose(snapshot(problems=(problem,)))
    assert found is not None
    assert (found.reason, found.blocking) == (reason, True)
    assert words in found.message
    assert step in found.message


def test_a_pod_that_came_to_its_end_counts_no_more():
    ended = pod(phase="Succeeded", conditions={"Ready": {"status": "False"}})
    status = observe(snapshot(workspace(running=False), pods=[ended]), now=NOW)
    assert status.phase == "Stopped"


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        *((word, "ImagePullFailed") for word in (
            "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
            "ImageInspectError", "SignatureValidationFailed",
        )),
        *((word, "ContainerConfiguration") for word in (
            "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError",
        )),
        ("ContainerCreating", None), ("PodInitializing", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_container_waits_for(waiting, reason):
    container = {"state": {"waiting": {"reason": waiting}}, "imageID": "", "started": False}
    seen = snapshot(pods=[pod(conditions={"Ready": {"status": "False"}}, container=container)])
    found = diagnose(seen)
    assert (found and found.reason) == reason


def test_the_most_telling_fault_is_told():
    """What keeps the pod from being made before what the pod suffers from, and what blocks before what does not."""
    crashed = pod(
        conditions={"Ready": {"status": "False"}},
        container={"state": {"waiting": {"reason": "ErrImagePull"}}, "restartCount": 1,
                   "lastState": {"terminated": {"exitCode": 1, "finishedAt": NOW}}},
    )  # fmt: skip
    taken, refused, unavailable = (
        Problem(reason, kind, NAME, "no")
        for reason, kind in (
            (Reason.NAME_TAKEN, "Service"), (Reason.REFUSED, "Service"), (Reason.UNAVAILABLE, "Deployment")
        )
    )  # fmt: skip
    exposed = workspace(exposure={"type": "LoadBalancer"})
    for problems, reason in (
        ((unavailable, refused, taken), "NameTaken"), ((unavailable, refused), "Refused"),
        ((unavailable,), "Unavailable"), ((), "ImagePullFailed"),
    ):  # fmt: skip
        found = diagnose(snapshot(exposed, pods=[crashed], problems=problems))
        assert found is not None
        assert found.reason == reason


@pytest.mark.parametrize(
    ("status", "host"),
    [
        (None, None), ({}, None), ({"loadBalancer": None}, None), ({"loadBalancer": {}}, None),
        ({"loadBalancer": {"ingress": []}}, None), ({"loadBalancer": {"ingress": [{}]}}, None),
        ({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}, "192.0.2.1"),
        ({"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}, "lb.example"),
        ({"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "hostname": "lb"}, {"ip": "192.0.2.2"}]}}, "192.0.2.1"),
    ],
)  # fmt: skip
def test_the_address_a_load_balancer_gave(status, host):
    assert load_balancer_host({"status": status}) == host
