"""What is made of a Workspace, as real manifests. Rewritten with `--update-golden`.

A change of a pod template here restarts every running workspace at the next upgrade: think twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from guildnet.names import ANNOTATION_HASH
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.manifests import desired, fingerprint, password_secret
from guildnet_operator.plan.plan import Plan, PodSettings, Policy
from guildnet_operator.sync.diff import differs
from unit.operator.values import stored, workspace

GOLDEN = Path(__file__).parent / "golden"

JUPYTER: dict[str, Any] = {
    "image": "guildnet/jupyterlab:1",
    "args": ["--ServerApp.base_url=$(GUILDNET_BASE_PATH)"],
    "ports": [{"containerPort": 8888, "name": "http", "pathMode": "Preserve"}],
    "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
    "storage": {"size": "10Gi", "storageClassName": "fast", "retain": True},
}
CASES: dict[str, Plan] = {
    "plain": decide(workspace(), Policy(pod=PodSettings(tolerate_control_plane=False))),
    "code-server": decide(workspace(image="guildnet/code-server:1"), Policy()),
    "jupyterlab": decide(workspace(**JUPYTER), Policy()),
    "stopped": decide(
        workspace(running=False, annotations={"guildnet.io/restarted-at": "2026-11-24T10:00:00Z"}), Policy()
    ),
    "load-balancer": decide(
        workspace(), Policy(load_balancer=True, load_balancer_pool="blue", pod=PodSettings(pull_secret="pull"))
    ),
    "ingress": decide(
        workspace(exposure={"type": "Ingress", "domain": "apps.example.com", "tlsIssuer": "letsencrypt"}),
        Policy(
            direct_exposure=True,
            auth_url="https://auth.example.com",
            issuers=("letsencrypt",),
            network_policy=True,
            ingress_controllers=("ingress-nginx",),
        ),
    ),
    "everything-said": decide(
        workspace(
            command=["/bin/app"],
            env=[
                {"name": "EMPTY", "value": ""},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            ],
            ports=[{"containerPort": 8443, "name": "https"}, {"containerPort": 9000}],
            probe={
                "type": "http",
                "path": "/healthz",
                "initialDelaySeconds": 5,
                "periodSeconds": 2,
                "timeoutSeconds": 3,
                "failureThreshold": 4,
            },
            storage={"size": "1Gi", "mountPath": "/data"},
        ),
        Policy(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_children_are_as_expected(case, update_golden):
    plan = CASES[case]
    secret = [password_secret(plan, {"password": "a-generated-one"})] if plan.password_secret else []
    text = yaml.safe_dump_all([*secret, *desired(plan)], sort_keys=False, width=120)
    file = GOLDEN / f"{case}.yaml"
    if update_golden:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text


def test_every_kind_of_child_is_among_them():
    kinds = {item["kind"] for plan in CASES.values() for item in desired(plan)}
    assert kinds == {"Deployment", "Service", "PersistentVolumeClaim", "Ingress", "NetworkPolicy"}


@pytest.mark.parametrize("case", CASES)
def test_what_is_stored_as_wanted_is_not_written_again(case):
    for manifest in desired(CASES[case]):
        assert not differs(manifest, stored(manifest))


@pytest.mark.parametrize("case", CASES)
def test_pods_meet_pod_security_restricted_and_hold_no_token(case):
    (deployment,) = [item for item in desired(CASES[case]) if item["kind"] == "Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_every_owned_child_has_one_controller_and_a_retained_claim_none():
    for plan in CASES.values():
        for manifest in desired(plan):
            owners = manifest["metadata"].get("ownerReferences", [])
            retained = manifest["kind"] == "PersistentVolumeClaim" and plan.claim and plan.claim.retain
            assert [item["controller"] for item in owners] == ([] if retained else [True])


def test_the_password_is_in_no_manifest_but_its_secret():
    plan = CASES["code-server"]
    assert "hunter2" not in yaml.safe_dump_all(desired(plan))
    assert "hunter2" in yaml.safe_dump(password_secret(plan, {"password": "hunter2"}))


def test_the_hash_changes_with_the_wish_alone():
    def hashes(**spec: Any) -> list[str]:
        manifests = desired(decide(workspace(**spec), Policy()))
        return [item["metadata"]["annotations"][ANNOTATION_HASH] for item in manifests]

    assert hashes() == hashes(notes="only a note")
    assert hashes() != hashes(image="example.com/app:2")


def test_a_hash_is_short_and_the_same_whatever_the_order_of_the_keys():
    assert fingerprint({"a": 1, "b": {"c": "ü", "d": [1, 2]}}) == fingerprint({"b": {"d": [1, 2], "c": "ü"}, "a": 1})
    assert fingerprint({"a": [1, 2]}) != fingerprint({"a": [2, 1]})
    assert len(fingerprint({})) == 32
    assert fingerprint({"a": "ü"}) == "09b7cce2644347ec871e23509919ef22", "a new one applies every child once"


def test_there_is_no_secret_of_a_workspace_that_wants_no_password():
    with pytest.raises(AssertionError):
        password_secret(CASES["plain"], {})
