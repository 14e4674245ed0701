"""Secrets of launches, patches and presets are kept in Secrets, shown masked, and a mask is never stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guildnet import workspace
from guildnet.errors import Invalid
from guildnet.sensitive import MASK
from guildnet_api.workspaces import manifests, presets, view
from guildnet_api.workspaces.spec import JobPatch, JobSpec, parse


def job(**fields: Any) -> JobSpec:
    return parse(json.dumps({"image": "acme/tool:1", **fields}).encode(), JobSpec)


def held(**spec: Any) -> workspace.Workspace:
    meta = {"name": "ws", "namespace": "n", "uid": "u", "resourceVersion": "7"}
    return workspace.parse({"metadata": meta, "spec": {"image": "acme/tool:1", **spec}})


def change(ws: workspace.Workspace, **fields: Any) -> manifests.Change:
    return manifests.change(parse(json.dumps(fields).encode(), JobPatch), ws, "ws-env-abcde")


SECRETS = {
    "PGPASSWORD": "hunter2",
    "DATABASE_URL": "postgres://u:hunter2@db/x",
    "MARKED": {"value": "hunter2", "secret": True},
}


def test_a_secret_by_name_by_value_or_said_so_is_in_no_workspace():
    plan = manifests.launch_plan(
        job(env={**SECRETS, "PLAIN": "x"}), name="t-1", namespace="n", owner="a", rule="r", marks={}
    )
    assert "hunter2" not in json.dumps(plan.workspace)
    assert set(plan.secret_values) == set(SECRETS)
    assert {"name": "PLAIN", "value": "x"} in plan.workspace["spec"]["env"]


def test_a_patch_keeps_secrets_out_of_the_workspace_too():
    changed = change(held(env=[{"name": "A", "value": "1"}]), env=SECRETS)
    assert "hunter2" not in json.dumps(changed.body)
    assert set(changed.secret_values) == set(SECRETS)


def test_what_a_workspace_holds_in_the_open_is_shown_masked():
    ws = held(
        env=[{"name": "DATABASE_URL", "value": "postgres://u:hunter2@db/x"}, {"name": "A", "value": "1"}],
        args=["--password=hunter2", "--db", "redis://:hunter2@h/0"],
    )
    shown = view.server(ws, (), None)
    assert shown["env"] == {"DATABASE_URL": MASK, "A": "1"}
    assert shown["args"] == [f"--password={MASK}", "--db", f"redis://:{MASK}@h/0"]


def test_the_detail_shows_the_command_masked_and_a_patch_that_sends_it_back_changes_nothing():
    ws = held(command=["serve", "--token=hunter2"])
    shown = view.detail(ws, (), None, ())
    assert shown["command"] == ["serve", f"--token={MASK}"]
    assert change(ws, command=shown["command"]).spec.command == ws.spec.command


def test_presets_are_shown_masked_and_fill_in_what_is_behind_the_mask():
    text = [{"label": "T", "image": "acme/tool:1", "env": {"DB_PASSWORD": "hunter2", "A": "1"}, "args": ["--token=x1"]}]
    known = presets.parse(json.dumps(text), "presets.json")
    shown = presets.defaults(known, "acme/tool:1")
    assert known[0].wire()["env"] == shown["env"] == {"DB_PASSWORD": MASK, "A": "1"}
    assert known[0].wire()["args"] == shown["args"] == [f"--token={MASK}"]
    filled = presets.fill(job(env=shown["env"], args=shown["args"]), known)
    assert {name: item.value for name, item in (filled.env or {}).items()} == {"DB_PASSWORD": "hunter2", "A": "1"}
    assert filled.args == ["--token=x1"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"env": {"DB_PASSWORD": MASK}}, "env.DB_PASSWORD"),
        ({"env": {"A": {"value": MASK, "secret": True}}}, "env.A"),
        ({"args": ["run", f"--token={MASK}"]}, "args[1]"),
        ({"command": ["run", f"--token={MASK}"]}, "command[1]"),
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(fields: dict[str, Any], named: str):
    with pytest.raises(Invalid) as launched:
        presets.fill(job(**fields), ())
    with pytest.raises(Invalid) as patched:
        change(held(), **fields)
    assert [d.field for d in launched.value.details] == [d.field for d in patched.value.details] == [named]


def test_a_patch_that_sends_back_what_it_was_shown_changes_nothing():
    reference = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "ws-env", "key": "TOKEN"}}}
    ws = held(env=[reference, {"name": "A", "value": "1"}], args=["--token=one", "--token=two", "x"])
    shown = view.server(ws, (), None)
    changed = change(ws, env=shown["env"], args=shown["args"])
    assert changed.spec == ws.spec
    assert changed.secret_values == {}
    assert changed.unused == []


def test_a_secret_that_is_not_referred_to_any_more_is_named():
    one, two = ({"name": n, "valueFrom": {"secretKeyRef": {"name": f"ws-{n}", "key": n}}} for n in ("X_KEY", "Y_KEY"))
    ws = held(env=[one, two])
    assert change(ws, env={"X_KEY": "new"}).unused == ["ws-X_KEY"]
    assert change(ws, env={"X_KEY": None, "Y_KEY": None}).unused == ["ws-X_KEY", "ws-Y_KEY"]
    assert change(ws, notes="n").unused == []
