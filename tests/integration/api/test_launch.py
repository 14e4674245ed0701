"""Launching a workspace through the API, on a real API server."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

from guildnet.kube import errors as refusals
from guildnet.kube.resources import CAPABILITIES, SECRETS, STORAGECLASSES, WORKSPACES
from guildnet_api.http.middleware import MAX_BODY_BYTES
from support.waiting import eventually

from .conftest import ALICE, NOBODY, Api, Starter


async def test_a_job_becomes_a_workspace_of_its_caller(api: Api):
    answer = await api.ask("POST", "/api/jobs", json={"image": "ghcr.io/acme/Tool:1".lower(), "name": "My App"})
    assert answer.status_code == 202, answer.text
    name = answer.json()["id"]
    assert re.fullmatch(r"my-app-[0-9a-f]{5}", name)
    assert answer.json() == {"id": name, "status": "pending"}
    assert answer.headers["Location"] == f"/api/servers/{name}"
    made = await api.kube.get(WORKSPACES, api.namespace, name)
    assert made["metadata"]["labels"] == {"guildnet.io/managed": "true", "guildnet.io/id": name}
    assert made["metadata"]["annotations"]["guildnet.io/owner"] == "alice@example.com"
    assert [line["action"] for line in api.audit] == ["launch"]
    assert api.audit[0]["object"] == name
    assert api.audit[0]["who"] == "alice@example.com"


async def test_everything_a_job_says_reaches_the_workspace(api: Api):
    job = {
        "image": "ghcr.io/acme/tool:1", "command": ["run"], "args": ["--fast", ""], "env": {"A": "1", "": "dropped"},
        "resources": {"cpu": "500m", "memory": "1Gi"}, "labels": {"team": "data"}, "storage": {"size": "2Gi"},
        "expose": [{"port": 3000}, {"port": 9000, "name": "admin"}], "notes": "for the demo",
    }  # fmt: skip
    name = (await api.ask("POST", "/api/jobs", json=job)).json()["id"]
    made = await api.kube.get(WORKSPACES, api.namespace, name)
    assert made["metadata"]["labels"]["team"] == "data"
    spec = made["spec"]
    assert (spec["command"], spec["args"], spec["notes"]) == (["run"], ["--fast", ""], "for the demo")
    assert spec["env"] == [{"name": "A", "value": "1"}]
    assert [(p["containerPort"], p["name"]) for p in spec["ports"]] == [(3000, "p-3000"), (9000, "admin")]
    assert spec["resources"] == {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    assert spec["storage"]["size"] == "2Gi"
    shown = (await api.ask("GET", f"/api/servers/{name}")).json()
    assert shown["resources"] == {"cpu": "500m", "memory": "1Gi"}
    host = urlsplit(shown["url"]).netloc
    assert shown["ports"] == [
        {"port": 3000, "name": "p-3000", "pathMode": "Strip", "url": f"http://{host}/"},
        {"port": 9000, "name": "admin", "pathMode": "Strip", "url": f"http://9000-{host}/"},
    ]
    assert (shown["labels"], shown["storage"]) == ({"team": "data"}, {"size": "2Gi"})


async def test_a_secret_value_goes_into_a_secret_that_the_workspace_owns(api: Api):
    job = {"image": "acme/tool", "env": {"DB_PASSWORD": "hunter2", "MODE": "fast"}}
    name = (await api.ask("POST", "/api/jobs", json=job)).json()["id"]
    made = await api.kube.get(WORKSPACES, api.namespace, name)
    assert "hunter2" not in str(made)
    reference = next(e for e in made["spec"]["env"] if e["name"] == "DB_PASSWORD")["valueFrom"]["secretKeyRef"]
    secret = await api.kube.get(SECRETS, api.namespace, reference["name"])
    assert base64.b64decode(secret["data"][reference["key"]]) == b"hunter2"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    answer = await api.ask("GET", f"/api/servers/{name}")
    assert answer.json()["env"] == {"DB_PASSWORD": "********", "MODE": "fast"}
    assert "hunter2" not in str(api.audit)


async def _secrets(api: Api) -> set[str]:
    return {item["metadata"]["name"] for item in (await api.kube.list(SECRETS, api.namespace))["items"]}


async def test_of_the_secrets_of_a_workspace_only_those_it_refers_to_stay(api: Api):
    job = {"image": "acme/tool", "env": {"DB_PASSWORD": "one", "A": "1"}}
    name = (await api.ask("POST", "/api/jobs", json=job)).json()["id"]
    strangers = {"metadata": {"name": f"{name}-own"}, "stringData": {"DB_PASSWORD": "theirs"}}
    await api.kube.create(SECRETS, api.namespace, strangers)
    others = await _secrets(api) - {f"{name}-env"}
    for value in ("two", "three"):
        answer = await api.ask("PATCH", f"/api/servers/{name}", json={"env": {"DB_PASSWORD": value}})
        assert answer.status_code == 202, answer.text
    (kept,) = await _secrets(api) - others
    secret = await api.kube.get(SECRETS, api.namespace, kept)
    assert base64.b64decode(secret["data"]["DB_PASSWORD"]) == b"three"
    reference = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": f"{name}-own", "key": "DB_PASSWORD"}}}
    await api.kube.merge_patch(WORKSPACES, api.namespace, name, {"spec": {"env": [reference]}})
    await api.ask("PATCH", f"/api/servers/{name}", json={"env": {"DB_PASSWORD": None}})
    assert f"{name}-own" in await _secrets(api)


async def test_a_patch_that_is_refused_leaves_no_secret(api: Api):
    name = (await api.ask("POST", "/api/jobs", json={"image": "acme/tool"})).json()["id"]
    before = await _secrets(api)
    wrong = {"env": {"API_TOKEN": "x"}, "expose": [{"port": 3000}, {"port": 4000, "name": "p-5000"}]}
    assert (await api.ask("PATCH", f"/api/servers/{name}", json=wrong)).status_code == 400
    assert await _secrets(api) == before


BAD = {
    "bad JSON": (b'{"image": ', 400, "bad_body", None),
    "not an object": (b"[]", 400, "bad_body", None),
    "no image": (b"{}", 400, "invalid_spec", "image"),
    "unknown field": (b'{"image": "x", "colour": "red"}', 400, "invalid_spec", "colour"),
    "port 0": (b'{"image": "x", "expose": [{"port": 0}]}', 400, "invalid_spec", "expose[0].port"),
    "our label": (b'{"image": "x", "labels": {"guildnet.io/id": "y"}}', 400, "invalid_spec", "labels"),
    "2 MiB": (b'{"image": "' + b"x" * (2 << 20) + b'"}', 413, "too_large", None),
}


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
@pytest.mark.parametrize(("body", "status", "code", "field"), BAD.values(), ids=BAD)
async def test_bad_input_is_refused_in_one_shape(api: Api, body, status, code, field, chunked):
    async def pieces():
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]
            await asyncio.sleep(0)

    answer = await api.ask(
        "POST", "/api/jobs", content=pieces() if chunked else body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["message"]
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    if field:
        assert field in [detail["field"] for detail in answer.json()["details"]]
    assert len(body) > MAX_BODY_BYTES or "x" * 100 not in answer.text


async def test_a_body_that_is_not_json_by_its_type_is_415(api: Api):
    answer = await api.ask("POST", "/api/jobs", content=b"image=x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_what_only_the_cluster_can_refuse_names_the_field_too(api: Api):
    """The api takes any DNS label for a port's name; the resource keeps `p-NUMBER` for ports without one."""
    body = {"image": "acme/tool", "expose": [{"port": 3000}, {"port": 4000, "name": "p-5000"}]}
    answer = await api.ask("POST", "/api/jobs", json=body)
    assert answer.status_code == 400, answer.text
    (detail,) = answer.json()["details"]
    assert detail["field"] == "spec.ports[1].name"
    assert "use another name" in detail["reason"]
    assert (await api.kube.list(WORKSPACES, api.namespace))["items"] == []


async def test_nothing_is_changed_whose_line_cannot_be_written(start_api: Starter):
    """A full disk under the audit trail: every mutation is refused, and what is read still is."""

    def full(_: str) -> NoReturn:
        raise OSError(28, "No space left on device")

    api: Api = await start_api(write=full)
    await api.workspace("one", owner="alice@example.com")
    before = await api.kube.get(WORKSPACES, api.namespace, "one")
    mutations = {
        ("POST", "/api/jobs"): {"image": "acme/tool"},
        ("PATCH", "/api/servers/one"): {"notes": "x"},
        ("POST", "/api/servers/one/stop"): None,
        ("POST", "/api/servers/one/restart"): None,
        ("POST", "/api/stop-all"): None,
        ("DELETE", "/api/servers/one"): None,
    }
    for (method, target), body in mutations.items():
        answer = await api.ask(method, target, **({} if body is None else {"json": body}))
        assert (answer.status_code, answer.json()["code"]) == (503, "audit_failed"), target
    assert (await api.ask("GET", "/api/servers/one")).status_code == 200
    (left,) = (await api.kube.list(WORKSPACES, api.namespace))["items"]
    assert left == before


async def test_nobody_launches_without_being_known(api: Api):
    answer = await api.as_(NOBODY).ask("POST", "/api/jobs", json={"image": "acme/tool"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert api.audit[-1]["result"] == "denied"


async def test_a_capability_limits_image_port_and_number(api: Api):
    spec = {
        "actions": ["launch", "list"],
        "subjects": [{"kind": "User", "name": "alice@example.com"}],
        "constraints": {"allowedImages": ["acme/tool"], "allowedPorts": [3000], "maxConcurrent": 1},
    }
    body = {"apiVersion": "guildnet.io/v1alpha1", "kind": "Capability", "metadata": {"name": "few"}, "spec": spec}
    await api.kube.create(CAPABILITIES, api.namespace, body)
    await eventually(api.services.watches.capabilities)
    good = {"image": "acme/tool:2", "expose": [{"port": 3000}]}
    other_image = await api.ask("POST", "/api/jobs", json={**good, "image": "acme/other"})
    assert (other_image.status_code, other_image.json()["details"][0]["field"]) == (403, "image")
    default_ports = await api.ask("POST", "/api/jobs", json={"image": "acme/tool"})
    assert default_ports.status_code == 403
    answers = await asyncio.gather(*(api.ask("POST", "/api/jobs", json=good) for _ in range(3)))
    assert sorted(a.status_code for a in answers) == [202, 409, 409]
    stranger = await api.as_(ALICE.__class__("user", "eve@example.com", entry=ALICE.entry)).ask(
        "POST", "/api/jobs", json=good
    )
    assert stranger.status_code == 403


async def test_a_workspace_whose_secret_cannot_be_made_does_not_stay(api: Api, monkeypatch: pytest.MonkeyPatch):
    real = api.services.client.create

    async def create(resource, namespace, body, **options):
        if resource is SECRETS:
            raise refusals.from_status({"code": 403, "message": 'secrets is forbidden: User "x" cannot create'})
        return await real(resource, namespace, body, **options)

    monkeypatch.setattr(api.services.client, "create", create)
    answer = await api.ask("POST", "/api/jobs", json={"image": "acme/tool", "env": {"TOKEN": "x"}})
    assert (answer.status_code, answer.json()["code"]) == (502, "cluster_refused")
    assert (await api.kube.list(WORKSPACES, api.namespace))["items"] == []
    assert [line["result"] for line in api.audit] == ["allowed", "failed:forbidden"]


CLASS = {
    "metadata": {"name": "tests-default", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "example.com/none",
}


async def test_a_launch_that_says_nothing_gets_a_volume_where_the_cluster_has_a_default_class(start_api: Starter):
    api: Api = await start_api(storage_default="auto", storage_size="3Gi")

    async def storage(**job: Any) -> Any:
        name = (await api.ask("POST", "/api/jobs", json={"image": "acme/tool", **job})).json()["id"]
        return (await api.kube.get(WORKSPACES, api.namespace, name))["spec"].get("storage")

    await api.kube.create(STORAGECLASSES, None, CLASS)
    try:
        assert await storage() == {"size": "3Gi", "retain": False}
        assert await storage(storage=None) is None
        assert await storage(storage={"size": "1Gi"}) == {"size": "1Gi", "retain": False}
    finally:
        await api.kube.delete(STORAGECLASSES, None, "tests-default")
    other: Api = await start_api(storage_default="auto")
    assert "storage" not in (await _launched(other))["spec"]


async def _launched(api: Api) -> dict[str, Any]:
    name = (await api.ask("POST", "/api/jobs", json={"image": "acme/tool"})).json()["id"]
    return await api.kube.get(WORKSPACES, api.namespace, name)
