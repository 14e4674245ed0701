"""No value under `workspaces` changes the pod of a workspace that runs; an upgrade of the install restarts nobody."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.settings import load
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.manifests import deployment
from guildnet_operator.plan.next_start import plan_for
from guildnet_operator.plan.plan import Policy
from guildnet_operator.settings import Settings
from support.workspace_values import OTHER, environment, leaves, values
from unit.chart.rendered import Render
from unit.operator.values import stored, workspace

SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"image": "guildnet/code-server:1"},
    {"image": "guildnet/jupyterlab:1", "ports": [{"containerPort": 8888, "pathMode": "Preserve"}]},
    {"storage": {"size": "1Gi"}},
    {"exposure": {"type": "Ingress", "domain": "apps.example.com"}},
)


def policy_of(render: Render, changed: dict[str, Any]) -> Policy:
    return load(Settings, environment(render(changed).objects)).policy()


@pytest.fixture(scope="module")
def before(render: Render) -> Policy:
    return policy_of(render, {})


def test_every_value_under_workspaces_is_changed_here():
    assert set(OTHER) == leaves()


@pytest.mark.parametrize("paths", [*([path] for path in sorted(OTHER)), sorted(OTHER)], ids=lambda paths: paths[0])
def test_the_pod_of_a_running_workspace_is_the_same_after(render: Render, before: Policy, paths: list[str]):
    after = policy_of(render, values(paths))
    for spec in SPECS:
        found = workspace(**spec)
        live = stored(deployment(decide(found, before)))
        plan = plan_for(found, after, live, never_ran=lambda: False)
        assert deployment(plan)["spec"] == live["spec"]
        stopped = plan_for(workspace(**spec, running=False), after, live, never_ran=lambda: False)
        assert stopped.pending == ()
