"""Launch plans, presets, the control origin's policy, settings and the OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guildnet import settings as shared_settings
from guildnet import workspace
from guildnet.errors import Conflict, Denied, FieldError, GuildNetError, Invalid, TooManyRequests
from guildnet.web.entries import Entry
from guildnet.web.security_headers import headers
from guildnet.workspace import Storage
from guildnet_api import errors, routes
from guildnet_api.http.static import inline_hashes
from guildnet_api.openapi.document import document
from guildnet_api.settings import Settings
from guildnet_api.workspaces import manifests, presets
from guildnet_api.workspaces.spec import JobPatch, JobSpec, parse
from support.played_api import merged

OPENAPI = Path(__file__).parent / "openapi.json"


def job(**fields: Any) -> JobSpec:
    return parse(json.dumps({"image": "acme/tool:1", **fields}).encode(), JobSpec)


def test_a_plan_reads_like_what_it_makes():
    plan = manifests.launch_plan(
        job(env={"A": "1", "API_KEY": "s"}),
        name="tool-abcde",
        namespace="n",
        owner="alice",
        rule="r",
        marks={"by": "alice"},
    )
    assert plan.workspace == {
        "apiVersion": "guildnet.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {
            "name": "tool-abcde",
            "namespace": "n",
            "labels": {"guildnet.io/managed": "true", "guildnet.io/id": "tool-abcde"},
            "annotations": {
                "guildnet.io/owner": "alice",
                "guildnet.io/launch-rule": "r",
                "by": "alice",
            },
        },
        "spec": {
            "running": True,
            "image": "acme/tool:1",
            "env": [
                {"name": "A", "value": "1"},
                {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "tool-abcde-env", "key": "API_KEY"}}},
            ],
        },
    }
    assert plan.secret_values == {"API_KEY": "s"}


def test_a_patch_holds_only_for_what_it_was_made_from():
    raw = {
        "metadata": {"name": "ws", "resourceVersion": "7", "uid": "u"},
        "spec": {
            "image": "a", "env": [{"name": "A", "value": "1"}],
            "ports": [{"containerPort": 8888, "name": "http", "pathMode": "Preserve"}],
        },
    }  # fmt: skip
    patch = parse(b'{"env": {"B": "2"}, "expose": [{"port": 8888}, {"port": 80}], "labels": {"x": null}}', JobPatch)
    change = manifests.change(patch, workspace.parse(raw), "s")
    assert change.body == {
        "metadata": {"resourceVersion": "7", "uid": "u", "labels": {"x": None}},
        "spec": {
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "ports": [
                {"containerPort": 8888, "name": "p-8888", "protocol": "TCP", "pathMode": "Preserve"},
                {"containerPort": 80, "name": "p-80", "protocol": "TCP", "pathMode": "Strip"},
            ],
        },
    }


def test_what_a_patch_takes_away_is_null_and_what_it_does_not_name_stays():
    raw = {
        "metadata": {"name": "ws", "resourceVersion": "7", "uid": "u"},
        "spec": {
            "image": "a", "notes": "n", "args": ["--x"], "running": False,
            "storage": {"size": "1Gi", "storageClassName": "fast", "retain": True},
        },
    }  # fmt: skip
    patch = parse(b'{"notes": null, "args": null, "env": null, "storage": {"size": "2Gi"}}', JobPatch)
    change = manifests.change(patch, workspace.parse(raw), "s")
    assert change.body["spec"] == {
        "notes": None,
        "args": None,
        "env": None,
        "storage": {"size": "2Gi", "storageClassName": "fast", "retain": True},
    }
    assert not change.spec.running


RESOURCES = {
    "one taken away": ({"cpu": None}, {"requests": {"memory": "1Gi", "gpu": "1"}, "limits": {"memory": "1Gi"}}),
    "one set, one taken away": (
        {"cpu": None, "memory": "2Gi"}, {"requests": {"gpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
    ),
    "one set": (
        {"cpu": "2"}, {"requests": {"memory": "1Gi", "gpu": "1", "cpu": "2"}, "limits": {"memory": "1Gi"}},
    ),
    "nothing": ({}, {"requests": {"cpu": "1", "memory": "1Gi", "gpu": "1"}, "limits": {"cpu": "1", "memory": "1Gi"}}),
    "all of it": (None, None),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "written"), RESOURCES.values(), ids=RESOURCES)
def test_resources_are_merged_key_by_key(sent: Any, written: Any):
    resources = {"requests": {"cpu": "1", "memory": "1Gi", "gpu": "1"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    meta = {"name": "ws", "resourceVersion": "7", "uid": "u"}
    ws = workspace.parse({"metadata": meta, "spec": {"image": "a", "resources": resources}})
    patch = parse(json.dumps({"resources": sent}).encode(), JobPatch)
    stored = {"image": "a", "resources": resources}
    after = merged(stored, manifests.change(patch, ws, "s").body["spec"])
    assert after == ({"image": "a", "resources": written} if written else {"image": "a"})


@pytest.mark.parametrize(
    ("fields", "ports"),
    [({}, (8080, 8443)), ({"image": "x/code-server/custom"}, (8080,)), ({"expose": [{"port": 3000}]}, (3000,))],
    ids=["any image", "code-server anywhere in the repository", "given"],
)
def test_a_capability_is_asked_for_the_ports_that_the_operator_serves(fields: dict[str, Any], ports: tuple[int, ...]):
    assert manifests.port_numbers(job(**fields)) == ports


def preset(**fields: Any) -> tuple[presets.Preset, ...]:
    return presets.parse(json.dumps([{"label": "My Tool", "image": "acme/tool:1", **fields}]), "presets.json")


def test_a_preset_fills_in_and_never_overrides():
    known = preset(args=["--x"], env={"A": "1", "B": "2"}, ports=[{"port": 3000}], pathMode="Preserve")
    filled = presets.fill(job(env={"B": "3"}), known)
    assert filled.args == ["--x"]
    assert {name: item.value for name, item in (filled.env or {}).items()} == {"A": "1", "B": "3"}
    assert [(p.port, p.pathMode) for p in filled.expose or ()] == [(3000, "Preserve")]
    stated = presets.fill(job(args=[], expose=[{"port": 3000}, {"port": 4000}]), known)
    assert stated.args == []
    assert [(p.port, p.pathMode) for p in stated.expose or ()] == [(3000, "Preserve"), (4000, None)]
    assert presets.fill(job(image="acme/tool:2"), known).args == ["--x"]
    assert presets.fill(job(image="acme/other"), known).args is None


def test_the_defaults_of_an_image_are_its_presets_else_what_it_is_known_for():
    known = preset(image="acme/jupyterlab:1", ports=[{"port": 3000}])
    assert presets.defaults(known, "acme/jupyterlab:2") == {"ports": [{"port": 3000}]}
    assert presets.defaults(known, "tsl0922/ttyd") == {
        "ports": [{"port": 7681, "name": "http"}],
        "pathMode": "Preserve",
        "args": ["ttyd", "-W", "-b", "$(GUILDNET_BASE_PATH)", "bash"],
    }
    assert (
        presets.defaults(known, "acme/tool") == presets.defaults(known, " ") == presets.defaults(known, "ttyd:") == {}
    )


def test_a_preset_file_that_is_none_says_where():
    with pytest.raises(Invalid, match=r"presets.json: 0.ports.0.port"):
        preset(ports=[{"port": 0}])


@pytest.mark.parametrize(
    ("entry", "source"),
    [
        (Entry("local", "http://guildnet.localhost:8080", "host"), "'self' http://*.guildnet.localhost:8080"),
        (Entry("domain", "https://guild.example.com", "host"), "'self' https://*.guild.example.com"),
        (Entry("tailnet", "https://guildnet.tailnet.example", "port"), "'self' https://guildnet.tailnet.example:*"),
        (Entry("domain", "https://guild.example.com", "path"), "'self'"),
        (None, "'none'"),
    ],
    ids=["host with port", "host", "port", "path", "no entry"],
)
def test_only_the_workspaces_of_the_entry_may_be_framed(entry: Entry | None, source: str):
    policy = dict(headers(entry))[b"content-security-policy"].decode()
    assert f"frame-src {source};" in policy
    assert "unsafe" not in policy


def test_inline_scripts_are_allowed_by_their_hash_alone():
    scripts, styles = inline_hashes(
        b'<script type="module" src="/x.js"></script><script>go()</script><style>a{}</style>'
    )
    assert scripts == ("'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='",)
    assert len(styles) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("x"), 400), (Denied("x"), 403), (Conflict("x"), 409), (TooManyRequests("x", retry_after=3), 429),
        (Invalid("x", code="unsupported_media_type"), 415), (GuildNetError("x"), 500),
    ],
)  # fmt: skip
def test_every_refusal_has_its_status(error: GuildNetError, status: int):
    assert errors.response(error, "id").status_code == status


def test_the_shape_of_a_refusal():
    error = Invalid("wrong", details=[FieldError("a", "b")])
    assert errors.body_of(error, "r") == {
        "code": "invalid_spec", "message": "wrong", "request_id": "r", "details": [{"field": "a", "reason": "b"}],
    }  # fmt: skip
    assert errors.response(TooManyRequests("x", retry_after=2.4), "r").headers["Retry-After"] == "2"


def test_the_openapi_document_is_the_one_of_the_routes(update_golden: bool):
    made = document(routes.ROWS, "0.1.0")
    text = json.dumps(made, indent=1, sort_keys=True) + "\n"
    if update_golden:
        OPENAPI.write_text(text)
    assert OPENAPI.read_text() == text, "the routes changed: run with --update-golden and read the difference"


def test_operations_are_named_once_and_every_reference_resolves():
    made = document(routes.ROWS, "0.1.0")
    names = [op["operationId"] for by in made["paths"].values() for op in by.values()]
    assert len(names) == len(set(names))
    referred = {part.partition('"')[0] for part in json.dumps(made).split('"#/components/schemas/')[1:]}
    assert referred <= set(made["components"]["schemas"])


def test_settings_come_from_the_environment_and_say_what_is_wrong(capsys: pytest.CaptureFixture[str]):
    given = shared_settings.load(Settings, {"LISTEN": "127.0.0.1:8081", "REDIS_URL": "redis://x/0"})
    assert given.address == ("127.0.0.1", 8081)
    with pytest.raises(SystemExit) as caught:
        shared_settings.load(Settings, {"LISTEN": "nowhere", "REDIS_URL": "http://x", "ACCESS_DEFAULT": "maybe"})
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in ("LISTEN", "REDIS_URL", "ACCESS_DEFAULT"))


PRESET = presets.parse('[{"label": "Tool", "image": "acme/tool:1", "storage": {"size": "3Gi"}}]', "here")


@pytest.mark.parametrize(
    ("said", "size"),
    [({}, "3Gi"), ({"storage": {"size": "1Gi"}}, "1Gi"), ({"storage": None}, None)],
    ids=["nothing", "a size", "no"],
)
def test_a_preset_fills_in_storage_where_the_launch_says_nothing(said, size):
    filled = presets.fill(job(**said), PRESET)
    assert (filled.storage and filled.storage.size) == size


def test_the_installs_volume_is_for_a_launch_without_one():
    volume = Storage("10Gi", "fast", "/data")
    names: dict[str, Any] = {"name": "tool-abcde", "namespace": "n", "owner": "alice", "rule": "r", "marks": {}}
    silent = manifests.launch_plan(job(), **names, volume=volume).workspace["spec"]
    assert silent["storage"] == {"size": "10Gi", "storageClassName": "fast", "mountPath": "/data", "retain": False}
    asked = manifests.launch_plan(job(storage={"size": "1Gi"}), **names, volume=volume).workspace["spec"]
    assert asked["storage"] == {"size": "1Gi", "retain": False}
