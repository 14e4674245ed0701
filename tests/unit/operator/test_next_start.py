"""What the install changes reaches a running workspace at its next start, and never ends what runs in it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from guildnet.workspace import Workspace
from guildnet_operator.plan.defaults import decide, record
from guildnet_operator.plan.manifests import deployment, template_hash
from guildnet_operator.plan.next_start import plan_for, recorded
from guildnet_operator.plan.plan import Plan, PodSettings, Policy
from guildnet_operator.status.current import current, never_ran
from guildnet_operator.status.reasons import Reason
from guildnet_operator.watch import live as watched
from unit.operator.values import LOCAL, pod, snapshot, stored, workspace

THEN = Policy()
OTHER: dict[str, Any] = {
    "pull_secret": "team-registry",
    "tolerate_control_plane": False,
    "http_probe_images": ("app",),
    "ca_configmap": "guildnet-workspace-ca",
    "extras": '{"runtimeClassName":"gvisor"}',
    "logins": ("password", "token"),
}
"""Another value of every setting that gets into a pod."""
WORDS = {
    "pull_secret": "pull secret team-registry instead of none",
    "tolerate_control_plane": "it may not run on control-plane nodes",
    "http_probe_images": "probe http instead of tcp",
    "ca_configmap": "authorities guildnet-workspace-ca instead of none",
    "extras": "runtimeClassName gvisor instead of none",
    "logins": "its login is by lab-1a2b3-login instead of lab-1a2b3-password",
}
SUBJECT: dict[str, Any] = {"logins": {"image": "code-server"}}
"""The spec that a setting is about, where it is not about each."""
ELSEWHERE: dict[str, Any] = {
    "load_balancer": True, "load_balancer_pool": "blue", "domain": "apps.example.com", "direct_exposure": True,
    "ingress_class": "mine", "issuer": "letsencrypt", "tls_secret": "wildcard", "auth_url": "https://a",
    "auth_signin": "https://s", "ingress_classes": ("other",), "issuers": ("another",), "network_policy": True,
    "ingress_controllers": ("ingress",), "entries": (LOCAL,),
}  # fmt: skip
"""Another value of every other setting."""


def started(found: Workspace | None = None, policy: Policy = THEN) -> dict[str, Any]:
    """The live Deployment of a workspace that was started under this policy."""
    return stored(deployment(decide(found or workspace(), policy)))


def with_pod(**changed: Any) -> Policy:
    return Policy(pod=PodSettings(**changed))


def planned(
    policy: Policy, live: dict[str, Any] | None, found: Workspace | None = None, *, waits: bool = False
) -> Plan:
    return plan_for(found or workspace(), policy, live, never_ran=lambda: waits)


def test_every_setting_is_changed_here():
    assert set(OTHER) == set(WORDS) == {item.name for item in dataclasses.fields(PodSettings)}
    assert set(ELSEWHERE) == {item.name for item in dataclasses.fields(Policy)} - {"pod"}


@pytest.mark.parametrize("name", OTHER)
def test_a_setting_of_the_pods_waits_for_the_next_start_of_what_runs_and_is_told(name):
    policy = with_pod(**{name: OTHER[name]})
    found = workspace(**SUBJECT.get(name, {}))
    assert template_hash(decide(found, policy)) != template_hash(decide(found, THEN))
    live = started(found)
    plan = planned(policy, live, found)
    assert deployment(plan) == deployment(decide(found, THEN))
    assert plan.pending == (WORDS[name],)
    verdict = current(dataclasses.replace(snapshot(), plan=plan))
    assert (verdict.status, verdict.reason) == ("False", Reason.NEXT_START)
    assert WORDS[name] in verdict.message


@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_other_setting_gets_into_a_pod(name):
    """One that does belongs into `PodSettings`, or changing it would restart everybody."""
    policy = Policy(**{name: ELSEWHERE[name]})
    for found in (workspace(), workspace(image="code-server"), workspace(exposure={"type": "Ingress"})):
        assert template_hash(decide(found, policy)) == template_hash(decide(found, THEN))
        assert planned(policy, started(found), found).pending == ()


def test_all_at_once_are_told_in_one_sentence_each():
    plan = planned(with_pod(**OTHER), started())
    assert plan.pending == tuple(words for name, words in WORDS.items() if name not in SUBJECT)
    back = planned(THEN, started(policy=with_pod(**OTHER)))
    assert back.pending == (
        "pull secret none instead of team-registry", "it may run on control-plane nodes", "probe tcp instead of http",
        "authorities none instead of guildnet-workspace-ca", "runtimeClassName none instead of gvisor",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("live", "found", "waits"),
    [
        pytest.param(None, workspace(), False, id="it starts for the first time"),
        pytest.param(started(), workspace(running=False), False, id="it is stopped"),
        pytest.param(started(workspace(running=False)), workspace(), False, id="it is started again"),
        pytest.param(started(), workspace(image="example.com/app:2"), False, id="its own spec replaces the pod"),
        pytest.param(
            started(), workspace(annotations={"guildnet.io/restarted-at": "now"}), False, id="it is restarted"
        ),
        pytest.param(started(), workspace(), True, id="its pod waits and never ran"),
    ],
)
def test_a_start_brings_the_present_settings(live, found, waits):
    policy = with_pod(**OTHER)
    plan = planned(policy, live, found, waits=waits)
    assert plan == decide(found, policy)
    assert plan.pending == ()


def test_a_change_of_its_spec_that_is_not_in_the_pod_is_no_start():
    found = workspace(notes="other", exposure={"type": "ClusterIP"})
    assert planned(with_pod(**OTHER), started(), found).pending


def test_what_changes_nothing_for_this_workspace_is_recorded_at_once():
    policy = with_pod(http_probe_images=("code-server", "jupyterlab", "marimo"))
    plan = planned(policy, started())
    assert plan == decide(workspace(), policy)
    assert deployment(plan)["spec"] == deployment(decide(workspace(), THEN))["spec"]


def test_nothing_is_asked_about_pods_where_nothing_changed():
    def never() -> bool:
        raise AssertionError

    assert plan_for(workspace(), THEN, started(), never_ran=never) == decide(workspace(), THEN)


def test_a_deployment_whose_replicas_another_took_away_starts_with_the_present_settings():
    live = started()
    live["spec"]["replicas"] = 0
    assert planned(with_pod(**OTHER), live).pending == ()


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "1", "null"])
def test_a_record_that_cannot_be_read_is_none(text):
    assert recorded(text) is None
    live = started()
    live["metadata"]["annotations"]["guildnet.io/pod-settings"] = text
    assert planned(with_pod(**OTHER), live) == decide(workspace(), with_pod(**OTHER))


def test_a_deployment_without_a_record_is_planned_by_the_present_settings():
    live = started()
    del live["metadata"]["annotations"]["guildnet.io/pod-settings"]
    assert planned(with_pod(**OTHER), live) == decide(workspace(), with_pod(**OTHER))


def test_a_deployment_without_annotations_is_planned_by_the_present_settings():
    live = started()
    del live["metadata"]["annotations"]
    assert planned(with_pod(**OTHER), live) == decide(workspace(), with_pod(**OTHER))


def test_a_login_that_there_was_not_or_will_not_be_is_called_none():
    found, by_token = workspace(image="jupyterlab"), with_pod(logins=("token",))
    assert planned(by_token, started(found), found).pending == ("its login is by lab-1a2b3-login instead of none",)
    back = planned(THEN, started(found, by_token), found)
    assert back.pending == ("its login is by none instead of lab-1a2b3-login",)


def test_a_record_of_another_version_means_what_pods_were_like_then():
    """A setting that is new since has its neutral value, one that is gone since says nothing."""
    text = json.dumps({"pull_secret": "old", "of_a_later_version": [1]})
    assert recorded(text) == PodSettings(pull_secret="old")
    live = started(policy=with_pod(pull_secret="old"))
    live["metadata"]["annotations"]["guildnet.io/pod-settings"] = text
    plan = planned(with_pod(pull_secret="new"), live)
    assert plan.pending == ("pull secret new instead of old",)
    # What it was made by stays written as it was, or every upgrade would write every Deployment.
    assert plan.settings == text


def test_a_record_is_read_as_it_was_written():
    settings = PodSettings(**OTHER)
    assert recorded(record(settings)) == settings
    assert record(settings) != record(PodSettings())
    record.cache_clear()
    names = list(json.loads(record(settings)))
    assert names == sorted(names), "whatever order the settings are declared in"


WAITING = {"state": {"waiting": {"reason": "ErrImagePull"}}, "imageID": "", "started": False}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"container": WAITING}, True, id="its image cannot be pulled"),
        pytest.param(
            {"container": {**WAITING, "state": {"waiting": {"reason": "CreateContainerConfigError"}}}}, True,
            id="what it refers to is not there",
        ),
        pytest.param(
            {"container": {**WAITING, "state": {}}, "conditions": {"PodScheduled": {"status": "False"}}}, True,
            id="no node takes it",
        ),
        pytest.param(
            {"container": {**WAITING, "state": {"waiting": {"reason": "ContainerCreating"}}}}, False, id="it starts"
        ),
        pytest.param({}, False, id="it runs"),
        pytest.param({"container": {**WAITING, "restartCount": 1}}, False, id="it ran before"),
        pytest.param(
            {"container": {**WAITING, "lastState": {"terminated": {"exitCode": 1, "finishedAt": "x"}}}}, False,
            id="it ended before",
        ),
        pytest.param({"container": {**WAITING, "started": True}}, False, id="it started"),
        pytest.param({"container": {**WAITING, "state": {"running": {}}}}, False, id="its container runs"),
    ],
)  # fmt: skip
def test_a_pod_that_never_ran(status, expected):
    assert never_ran(watched.pod(pod(**status))) is expected


def test_no_pod_at_all_may_be_one_that_the_watch_has_not_told_of():
    assert never_ran(None) is False


def test_a_workspace_that_is_current_says_so():
    verdict = current(snapshot())
    assert (verdict.status, verdict.reason) == ("True", Reason.CURRENT)
