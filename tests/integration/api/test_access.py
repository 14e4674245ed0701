"""Who may do what, what the audit trail says of it, and what a hidden workspace looks like, on a real API server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guildnet.errors import Unreachable
from guildnet.kube.resources import CAPABILITIES, WORKSPACES
from support.waiting import eventually

from .conftest import ADMIN, ALICE, BOB, Api, Starter

ON_ONE = [
    ("GET", "/api/servers/{}", None),
    ("GET", "/api/servers/{}/events", None),
    ("GET", "/api/servers/{}/logs", None),
    ("GET", "/sse/logs?target={}", None),
    ("DELETE", "/api/servers/{}", None),
    ("POST", "/api/servers/{}/stop", None),
    ("POST", "/api/servers/{}/start", None),
    ("POST", "/api/servers/{}/restart", None),
    ("PATCH", "/api/servers/{}", {"notes": "x"}),
]
"""Every request about one workspace."""


async def capability(api: Api, name: str, actions: list[str], **spec: Any) -> None:
    body = {
        "apiVersion": "guildnet.io/v1alpha1", "kind": "Capability", "metadata": {"name": name},
        "spec": {"actions": actions, **spec},
    }  # fmt: skip
    await api.kube.create(CAPABILITIES, api.namespace, body)
    await eventually(lambda: name in [item.name for item in api.services.watches.capabilities() or ()])


def told(api: Api, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(line[name] for name in fields) for line in api.audit]


# ---- what one may know of --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "body"), ON_ONE, ids=[f"{m} {p}" for m, p, _ in ON_ONE])
async def test_a_hidden_workspace_looks_like_one_that_is_not_there(api: Api, method: str, path: str, body: Any):
    await api.workspace("hidden", labels={"team": "web"}, owner="bob@example.com")
    before = await api.kube.get(WORKSPACES, api.namespace, "hidden")
    every = ["list", "delete", "stop", "start", "update", "readLogs", "proxy", "stopAll", "launch"]
    await capability(api, "data", every, selector={"matchLabels": {"team": "data"}})
    options = {} if body is None else {"json": body}
    answers = [await api.ask(method, path.format(name), **options) for name in ("hidden", "absent")]
    assert [answer.status_code for answer in answers] == [404, 404]
    one, other = (
        answer.text.replace(name, "NAME").replace(answer.headers["X-Request-Id"], "ID")
        for name, answer in zip(("hidden", "absent"), answers, strict=True)
    )
    assert one == other
    assert told(api, "object", "allowed", "rule", "result") == [("hidden", False, "no-capability", "denied")]
    assert (await api.kube.get(WORKSPACES, api.namespace, "hidden")) == before


async def test_while_the_rules_cannot_be_read_nobody_is_told_that_there_is_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    await api.workspace("there")
    monkeypatch.setattr(api.services.watches, "capabilities", lambda: None)
    for name in ("there", "absent"):
        answer = await api.ask("DELETE", f"/api/servers/{name}")
        assert (answer.status_code, "cannot be read right now" in answer.json()["message"]) == (403, True)
    assert told(api, "object", "rule") == [(name, "capabilities-unreadable") for name in ("there", "absent")]
    assert (await api.as_(ADMIN).ask("GET", "/api/servers/there")).status_code == 200
    assert (await api.as_(ADMIN).ask("GET", "/api/servers/absent")).status_code == 404


async def test_stop_all_does_not_tell_of_what_one_may_not_know(start_api: Starter):
    api: Api = await start_api(access_default="owner")
    empty = await api.as_(BOB).ask("POST", "/api/stop-all")
    await api.workspace("hidden", owner="alice@example.com")
    full = await api.as_(BOB).ask("POST", "/api/stop-all")
    assert (empty.status_code, empty.json()) == (full.status_code, full.json()) == (200, {"deleted": []})


async def test_a_right_to_read_logs_makes_a_workspace_known_and_is_all_one_has(api: Api):
    await api.workspace("one")
    await capability(api, "readers", ["readLogs"])
    assert [item["id"] for item in (await api.ask("GET", "/api/servers")).json()] == ["one"]
    assert (await api.ask("GET", "/api/servers/one")).status_code == 200
    assert (await api.ask("GET", "/api/servers/one/logs")).json()["code"] == "no_pods"
    refused = {
        (method, path): (await api.ask(method, path.format("one"), **({} if body is None else {"json": body})))
        for method, path, body in ON_ONE
        if method != "GET"
    }
    assert {answer.status_code for answer in refused.values()} == {403}
    assert (await api.ask("POST", "/api/stop-all")).status_code == 403
    expected = ["delete", "stop", "start", "stop", "update", "stopAll"]
    assert told(api, "action", "rule", "result") == [(name, "no-capability", "denied") for name in expected]


# ---- what a patch may write ------------------------------------------------------------------------------------------

LIMITED = {"allowedImages": ["acme/"], "allowedPorts": [8080, 8443]}
WRITTEN = [
    ({"image": "evil/miner"}, 403, ["image"]),
    ({"expose": [{"port": 22}]}, 403, ["ports"]),
    ({"image": "evil/miner", "expose": [{"port": 22}]}, 403, ["image", "ports"]),
    ({"image": "acme/other", "expose": [{"port": 8080}]}, 202, []),
    ({"labels": {"team": "web"}}, 403, ["labels"]),
    ({"labels": {"tier": "a"}}, 202, []),
    ({"notes": "x"}, 202, []),
    ({"env": {"A": "1"}, "args": ["x"], "image": "acme/tool:1"}, 202, []),
]


@pytest.mark.parametrize(("body", "status", "fields"), WRITTEN, ids=[json.dumps(body) for body, _, _ in WRITTEN])
async def test_what_may_not_be_launched_may_not_be_patched_in(api: Api, body: Any, status: int, fields: list[str]):
    await api.workspace("one", image="acme/tool:1", labels={"team": "data"})
    await capability(api, "few", ["launch"], selector={"matchLabels": {"team": "data"}}, constraints=LIMITED)
    await capability(api, "work", ["update", "list", "start"])
    answer = await api.ask("PATCH", "/api/servers/one", json=body)
    assert answer.status_code == status, answer.text
    assert [detail["field"] for detail in answer.json().get("details", [])] == fields
    result = "allowed" if status == 202 else "denied"
    assert told(api, "action", "result") == [("update", result)], "one line, also of what is refused"


async def test_what_fell_off_the_list_can_still_be_annotated_and_started(api: Api):
    await api.workspace("one", image="old/tool", running=False)
    await capability(api, "few", ["launch", "update", "start"], constraints=LIMITED)
    assert (await api.ask("PATCH", "/api/servers/one", json={"notes": "x"})).status_code == 202
    assert (await api.ask("POST", "/api/servers/one/start")).status_code == 202


async def test_a_change_of_labels_gives_nobody_a_right_it_did_not_have(api: Api):
    await api.workspace("one", labels={"env": "prod"})
    await capability(api, "work", ["launch", "update"])
    await capability(api, "scratch", ["delete"], selector={"matchLabels": {"env": "scratch"}})
    refused = await api.ask("PATCH", "/api/servers/one", json={"labels": {"env": "scratch"}})
    assert (refused.status_code, "the right to delete it" in refused.json()["message"]) == (403, True)
    assert (
        await api.as_(ADMIN).ask("PATCH", "/api/servers/one", json={"labels": {"env": "scratch"}})
    ).status_code == 202
    assert (await api.ask("PATCH", "/api/servers/one", json={"labels": {"env": "prod"}})).status_code == 202


async def test_a_patch_is_decided_on_the_object_that_is_written(start_api: Starter, monkeypatch: pytest.MonkeyPatch):
    """The watch is behind: the workspace of that name was deleted, and made again by somebody else."""
    api: Api = await start_api(access_default="owner")
    await api.workspace("one", owner="alice@example.com")
    index = api.services.watches.index
    known = index.get("one")
    await api.kube.delete(WORKSPACES, api.namespace, "one")
    await eventually(lambda: index.get("one") is None)
    await api.workspace("one", owner="bob@example.com")
    before = await api.kube.get(WORKSPACES, api.namespace, "one")
    monkeypatch.setattr(index, "get", lambda _: known)
    answer = await api.ask("PATCH", "/api/servers/one", json={"image": "evil/miner"})
    assert (answer.status_code, "bob" in answer.text) == (404, False)
    assert (await api.kube.get(WORKSPACES, api.namespace, "one")) == before


# ---- the audit trail -------------------------------------------------------------------------------------------------


async def test_the_rule_of_a_launch_is_the_one_whose_constraints_passed(api: Api):
    await capability(api, "a-strict", ["launch"], constraints={"allowedImages": ["other/"]})
    await capability(api, "b-loose", ["launch"])
    name = (await api.ask("POST", "/api/jobs", json={"image": "acme/tool", "notes": "x"})).json()["id"]
    assert told(api, "action", "rule", "result", "fields") == [
        ("launch", "capability/b-loose", "allowed", ["image", "notes"])
    ]
    made = (await api.kube.get(WORKSPACES, api.namespace, name))["metadata"]["annotations"]
    assert made["guildnet.io/launch-rule"] == "capability/b-loose"


async def test_every_change_has_one_line_with_its_fields_and_is_noted_on_the_object(api: Api):
    await api.workspace("one", owner="alice@example.com")
    for caller, method, path, body in (
        (ALICE, "POST", "stop", None), (BOB, "POST", "start", None), (ALICE, "POST", "restart", None),
        (BOB, "PATCH", "", {"notes": "x", "env": {"A": "1"}}),
    ):  # fmt: skip
        options = {} if body is None else {"json": body}
        answer = await api.as_(caller).ask(method, f"/api/servers/one/{path}".rstrip("/"), **options)
        assert answer.status_code == 202, answer.text
        noted = (await api.kube.get(WORKSPACES, api.namespace, "one"))["metadata"]["annotations"]
        assert noted["guildnet.io/last-changed-by"] == caller.login
        assert noted["guildnet.io/owner"] == "alice@example.com"
    assert told(api, "action", "who", "fields") == [
        ("stop", ALICE.login, ["running"]), ("start", BOB.login, ["running"]), ("restart", ALICE.login, []),
        ("update", BOB.login, ["env", "notes"]),
    ]  # fmt: skip
    assert "1" not in str([line["fields"] for line in api.audit])


async def test_an_identity_that_is_not_believed_leaves_a_line(api: Api):
    forged = {"X-Guildnet-Identity": "v1.e30.AAAA"}
    answer = await api.ask("POST", "/api/servers/one/stop", headers=forged)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_identity")
    assert told(api, "who", "action", "object", "allowed", "rule", "result") == [
        ("anonymous", "identify", "/api/servers/one/stop", False, "bad_identity", "denied")
    ]
    assert api.audit[0]["request_id"] == answer.headers["X-Request-Id"]


async def test_stop_all_goes_on_past_what_fails_and_says_so(api: Api, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b", "c"):
        await api.workspace(name)
    real = api.services.client.delete

    async def delete(resource: Any, namespace: str, name: str, **options: Any) -> Any:
        if name == "b":
            raise Unreachable("the API server did not answer")
        return await real(resource, namespace, name, **options)

    monkeypatch.setattr(api.services.client, "delete", delete)
    answer = await api.ask("POST", "/api/stop-all")
    body = answer.json()
    assert (answer.status_code, body["code"], body["deleted"]) == (503, "incomplete", ["a", "c"])
    assert [item["field"] for item in body["details"]] == ["b"]
    left = (await api.kube.list(WORKSPACES, api.namespace))["items"]
    assert [item["metadata"]["name"] for item in left] == ["b"]
    assert sorted(told(api, "object", "result")) == [
        ("a", "allowed"), ("b", "allowed"), ("b", "failed:unavailable"), ("c", "allowed"),
    ]  # fmt: skip


# ---- what one may do with one workspace ------------------------------------------------------------------------------


async def test_the_detail_says_what_the_caller_may_do_with_this_very_workspace_and_by_which_rule(api: Api):
    for name, team in (("mine", "data"), ("other", "web")):
        await api.workspace(name, labels={"team": team})
    await capability(api, "everybody", ["list", "readLogs"])
    await capability(api, "data-team", ["start", "stop"], selector={"matchLabels": {"team": "data"}})
    shown = {name: (await api.ask("GET", f"/api/servers/{name}")).json()["rights"] for name in ("mine", "other")}
    allowed = {name: [right["action"] for right in rights if right["allowed"]] for name, rights in shown.items()}
    assert allowed == {"mine": ["readLogs", "start", "stop"], "other": ["readLogs"]}
    stop = {name: next(one for one in rights if one["action"] == "stop") for name, rights in shown.items()}
    assert stop == {
        "mine": {"action": "stop", "allowed": True, "rule": "capability/data-team"},
        "other": {
            "action": "stop", "allowed": False, "rule": "no-capability", "reason": "no Capability allows it to you",
        },
    }  # fmt: skip
    listed = (await api.ask("GET", "/api/servers")).json()
    assert all("rights" not in server for server in listed), "lists are shared by callers"
    assert api.audit == [], "to be told of a right is no denial"
