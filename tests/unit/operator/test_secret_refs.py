"""Which Secrets the env of a workspace may refer to."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.plan import Plan, PodSettings, Policy
from guildnet_operator.plan.secret_refs import CREDENTIALS, refused, to_be_read
from unit.operator.values import NAME, UID, workspace

POLICY = Policy(pod=PodSettings(pull_secret="team-registry"), tls_secret="wildcard")
LONG = "a" * 60


def plan(*secrets: str, name: str = NAME) -> Plan:
    env = [{"name": f"V{n}", "valueFrom": {"secretKeyRef": {"name": s, "key": "k"}}} for n, s in enumerate(secrets)]
    found = workspace(env=[*env, {"name": "P", "value": "x"}, {"name": "C", "valueFrom": {"configMapKeyRef": {
        "name": "c", "key": "k"}}}])  # fmt: skip
    return decide(type(found)(name, found.namespace, UID, found.spec), POLICY)


def secret(*owners: dict[str, Any], kind: str = "Opaque") -> dict[str, Any]:
    return {"metadata": {"ownerReferences": list(owners)} if owners else {}, "type": kind}


def of(uid: str, kind: str = "Workspace", group: str = "guildnet.io/v1alpha1") -> dict[str, Any]:
    return {"apiVersion": group, "kind": kind, "name": "x", "uid": uid}


OTHERS = "it is another workspace's"
ABSENT = "it does not exist, and may become another workspace's: make it first, or name it otherwise"


@pytest.mark.parametrize(
    ("name", "live", "why"),
    [
        pytest.param("team-api", secret(), None, id="somebody's own"),
        pytest.param("team-api", None, None, id="not there yet"),
        pytest.param("db-password", secret(), None, id="somebody's own with a name like ours"),
        pytest.param("team-registry", secret(), "it is the install's", id="the install's pull secret"),
        pytest.param("team-registry", None, "it is the install's", id="that, not there yet"),
        pytest.param("wildcard", secret(kind="kubernetes.io/tls"), "it is the install's", id="its certificate"),
        pytest.param("victim-password", secret(of("another")), OTHERS, id="another's password"),
        pytest.param("victim-password", None, ABSENT, id="another's password, before it is made"),
        pytest.param("victim-env", secret(of("another")), OTHERS, id="another's values"),
        pytest.param("victim-env", None, ABSENT, id="another's values, before they are made"),
        pytest.param("victim-env-0a1b2", None, ABSENT, id="another's edit, before it is made"),
        pytest.param("workspace-victim-tls", None, ABSENT, id="another's key, before it is made"),
        pytest.param("workspace-victim-tls", secret(kind="kubernetes.io/tls"), OTHERS, id="another's key"),
        pytest.param(f"workspace-{NAME}-tls", secret(kind="kubernetes.io/tls"), None, id="its own key"),
        pytest.param("anything", secret(of("another")), OTHERS, id="owned by another, whatever its name"),
        pytest.param("anything", secret(of(UID)), None, id="owned by it"),
        pytest.param("anything", secret(of(UID), of("another")), OTHERS, id="owned by both"),
        pytest.param("anything", secret(of("another", kind="Capability")), None, id="owned by another kind"),
        pytest.param("anything", secret(of("another", group="example.com/v1")), None, id="of another group"),
        pytest.param(f"{NAME}-env-0a1b2", None, None, id="its own edit, before it is made"),
        pytest.param(f"{NAME}-env-0a1b2", secret(of(UID)), None, id="its own edit"),
        pytest.param(f"{NAME}-env-0a1b2", secret(of("another")), OTHERS, id="another's that looks like its own"),
        *(pytest.param("anything", secret(kind=kind), f"it holds credentials of the cluster (type {kind})", id=kind)
          for kind in sorted(CREDENTIALS)),
    ],
)  # fmt: skip
def test_a_secret_that_env_refers_to(name: str, live: dict[str, Any] | None, why: str | None):
    assert refused(plan(name), name, live) == why


def test_its_own_need_no_look_and_no_other_escapes_one():
    names = (f"{NAME}-env", f"{NAME}-password", "b", "a", "b", f"{NAME}-env-0a1b2")
    assert to_be_read(plan(*names)) == ("b", "a", f"{NAME}-env-0a1b2")
    assert to_be_read(plan()) == ()
    assert to_be_read(decide(workspace(image="code-server"), POLICY)) == ()


def test_the_secret_of_an_edit_of_a_long_name_is_known_by_what_is_left_of_it():
    assert refused(plan(name=LONG), f"{LONG[:52]}-env-0a1b2", None) is None
    assert refused(plan(name=LONG), f"{LONG[:51]}-env-0a1b2", None) == ABSENT


def test_an_install_without_secrets_of_its_own_reserves_none():
    assert decide(workspace(), Policy()).reserved_secrets == frozenset()
    assert decide(workspace(), POLICY).reserved_secrets == {"team-registry", "wildcard"}
