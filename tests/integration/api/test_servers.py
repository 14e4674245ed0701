"""Lists, details, changes and their streams, on a real API server."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from guildnet.errors import NotFound
from guildnet.identity import HEADER, sign
from guildnet.kube.client import Client
from guildnet.kube.resources import CAPABILITIES, CONFIGMAPS, EVENTS, LEASES, SECRETS, WORKSPACES, path
from guildnet.telemetry import OperatorReport
from guildnet_api.cluster.usage import Used
from support.apiserver import make_namespace
from support.chart import grant
from support.waiting import eventually

from .conftest import ADMIN, ALICE, BOB, KEY, NOBODY, Api, Starter


async def test_a_list_is_an_array_with_an_etag_that_answers_304(api: Api):
    empty = await api.ask("GET", "/api/servers")
    assert (empty.status_code, empty.json()) == (200, [])
    await api.workspace("one", owner="alice@example.com")
    listed = await api.ask("GET", "/api/servers")
    server = listed.json()[0]
    assert (server["id"], server["status"], server["proxy_url"]) == ("one", "pending", "/proxy/server/one/")
    assert server["url"].startswith("http://one-")
    assert server["url"].endswith(".guildnet.localhost:8080/")
    same = await api.ask("GET", "/api/servers", headers={"If-None-Match": listed.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    await api.workspace("two")
    changed = await api.ask("GET", "/api/servers", headers={"If-None-Match": listed.headers["ETag"]})
    assert [s["id"] for s in changed.json()] == ["one", "two"]


async def test_filters_narrow_the_list(api: Api):
    await api.workspace("red", owner="alice@example.com", notes="the colour")
    await api.workspace("blue", owner="bob@example.com", image="example.com/jupyter:1", running=False)

    async def ids(query: str) -> list[str]:
        return [s["id"] for s in (await api.ask("GET", f"/api/servers?{query}")).json()]

    assert await ids("q=COLOUR") == ["red"]
    assert await ids("q=jupyter") == ["blue"]
    assert await ids("owner=bob@example.com") == ["blue"]
    assert await ids("status=stopped") == ["blue"]
    assert await ids("status=pending,stopped") == ["blue", "red"]
    bad = await api.ask("GET", "/api/servers?status=sleeping")
    assert (bad.status_code, bad.json()["details"][0]["field"]) == (400, "status")


async def test_a_list_makes_no_request_to_the_cluster(api: Api, monkeypatch: pytest.MonkeyPatch):
    await api.workspace("one")

    async def refuse(*_args, **_options):
        raise AssertionError("the cluster was asked")

    monkeypatch.setattr(api.services.client, "request", refuse)
    assert (await api.ask("GET", "/api/servers")).status_code == 200
    assert (await api.ask("GET", "/api/servers/one")).status_code == 200


async def test_a_detail_has_events_and_conditions(api: Api):
    made = await api.workspace("one")
    condition = {
        "type": "Ready", "status": "False", "reason": "Starting", "message": "not yet",
        "lastTransitionTime": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    status = {"status": {"phase": "Pending", "conditions": [condition]}}
    await api.kube.merge_patch(WORKSPACES, api.namespace, "one", status, subresource="status")
    event = {
        "metadata": {"name": "one.1"}, "reason": "FailedScheduling", "message": "no room", "type": "Warning",
        "involvedObject": {"kind": "Pod", "name": "one-5d8f7c9b4-x2x4z", "namespace": api.namespace},
        "lastTimestamp": "2099-01-01T00:00:01Z", "count": 2,
    }  # fmt: skip
    of_an_earlier_one = {**event, "metadata": {"name": "one.0"}, "lastTimestamp": "2026-01-01T00:00:01Z"}
    await api.kube.create(EVENTS, api.namespace, of_an_earlier_one)
    await api.kube.create(EVENTS, api.namespace, event)

    async def detail() -> dict[str, Any]:
        return (await api.ask("GET", "/api/servers/one")).json()

    await eventually(lambda: len(api.services.watches.events("one")) == 2)
    await eventually(lambda: (one := api.services.watches.index.get("one")) and one.status.conditions)
    shown = await detail()
    assert [c["reason"] for c in shown["conditions"]] == ["Starting"]
    assert [(e["reason"], e["count"], e["type"]) for e in shown["events"]] == [("FailedScheduling", 2, "Warning")]
    assert (shown["reason"], shown["message"]) == ("Starting", "not yet")
    line = (await api.ask("GET", "/api/servers/one/events")).json()
    assert [item["type"] for item in line] == ["Condition", "Warning"]
    assert (await api.ask("GET", "/api/servers/none")).status_code == 404
    assert made["metadata"]["uid"]


async def test_delete_stop_start_and_restart(api: Api):
    await api.workspace("one", owner="alice@example.com")
    stopped = await api.ask("POST", "/api/servers/one/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (202, "stopped")
    refused = await api.ask("POST", "/api/servers/one/restart")
    assert (refused.status_code, refused.json()["code"]) == (409, "stopped")
    started = await api.ask("POST", "/api/servers/one/start")
    assert (started.status_code, started.json()["status"]) == (202, "pending")
    assert (await api.ask("POST", "/api/servers/one/restart")).status_code == 202
    made = await api.kube.get(WORKSPACES, api.namespace, "one")
    assert made["metadata"]["annotations"]["guildnet.io/restarted-at"]
    assert made["spec"]["running"] is True
    deleted = await api.ask("DELETE", "/api/servers/one")
    assert (deleted.status_code, deleted.json()) == (200, {"deleted": "one"})
    with pytest.raises(NotFound):
        await api.kube.get(WORKSPACES, api.namespace, "one")
    await eventually(lambda: api.services.watches.index.get("one") is None)
    assert (await api.ask("DELETE", "/api/servers/one")).status_code == 404
    assert [line["action"] for line in api.audit] == ["stop", "start", "restart", "delete"]


async def test_a_patch_merges_and_respects_if_match(api: Api):
    await api.workspace("one", env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], notes="old")
    etag = (await api.ask("GET", "/api/servers/one")).headers["ETag"]
    patch = {"env": {"B": None, "C": "3", "API_TOKEN": "s3cret"}, "notes": None, "expose": [{"port": 3000}]}
    changed = await api.ask("PATCH", "/api/servers/one", json=patch, headers={"If-Match": etag})
    assert changed.status_code == 202, changed.text
    assert changed.json()["env"] == {"A": "1", "C": "3", "API_TOKEN": "********"}
    made = await api.kube.get(WORKSPACES, api.namespace, "one")
    assert "notes" not in made["spec"]
    assert "s3cret" not in json.dumps(made)
    reference = made["spec"]["env"][-1]["valueFrom"]["secretKeyRef"]
    assert (await api.kube.get(SECRETS, api.namespace, reference["name"]))["metadata"]["ownerReferences"]
    stale = await api.ask("PATCH", "/api/servers/one", json={"notes": "x"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    unknown = await api.ask("PATCH", "/api/servers/one", json={"name": "other"})
    assert (unknown.status_code, unknown.json()["details"][0]["field"]) == (400, "name")
    kept = await api.ask("PATCH", "/api/servers/one", json={"env": {"API_TOKEN": "********"}})
    assert kept.status_code == 202
    made = await api.kube.get(WORKSPACES, api.namespace, "one")
    assert made["spec"]["env"][-1]["valueFrom"]["secretKeyRef"] == reference


@pytest.mark.parametrize("target", ["/api/admin/stop-all", "/api/admin/stop-all/", "/api/stop-all", "/api/stop-all/"])
async def test_stop_all_deletes_everything_and_lists_it(api: Api, target: str):
    await asyncio.gather(*(api.workspace(name) for name in ("one", "two")))
    dry = await api.ask("POST", f"{target}?dryRun=true")
    assert dry.json()["deleted"] == ["one", "two"]
    assert len((await api.kube.list(WORKSPACES, api.namespace))["items"]) == 2
    assert api.audit == []
    done = await api.ask("POST", target)
    assert (done.status_code, done.json()) == (200, {"deleted": ["one", "two"]})
    assert (await api.kube.list(WORKSPACES, api.namespace))["items"] == []
    assert [(line["action"], line["object"]) for line in api.audit] == [("stopAll", "one"), ("stopAll", "two")]


async def _capability(api: Api, name: str, **spec) -> None:
    known = len(api.services.watches.capabilities() or ())
    body = {"apiVersion": "guildnet.io/v1alpha1", "kind": "Capability", "metadata": {"name": name}, "spec": spec}
    await api.kube.create(CAPABILITIES, api.namespace, body)
    await eventually(lambda: len(api.services.watches.capabilities() or ()) > known)


async def test_stop_all_takes_only_what_a_capability_gives(api: Api):
    await api.workspace("ours", labels={"team": "data"})
    await api.workspace("theirs", labels={"team": "web"})
    await _capability(api, "look", actions=["list"])
    denied = await api.ask("POST", "/api/stop-all")
    assert (denied.status_code, denied.json()["code"]) == (403, "forbidden")
    selector = {"matchLabels": {"team": "data"}}
    subjects = [{"kind": "User", "name": "alice@example.com"}]
    await _capability(api, "data", actions=["stopAll"], selector=selector, subjects=subjects)
    assert (await api.as_(BOB).ask("POST", "/api/stop-all")).status_code == 403
    done = await api.ask("POST", "/api/stop-all")
    assert done.json() == {"deleted": ["ours"]}
    assert (await api.as_(ADMIN).ask("POST", "/api/stop-all")).json() == {"deleted": ["theirs"]}
    assert (await api.ask("POST", "/api/stop-all")).json() == {"deleted": []}


async def test_a_capability_decides_what_is_seen(api: Api):
    await api.workspace("ours", labels={"team": "data"}, owner="alice@example.com")
    await api.workspace("theirs", labels={"team": "web"})
    async with api.stream("/sse/servers") as events:
        await eventually(lambda: events.of("synced"))
        assert [s["id"] for s in events.of("server")] == ["ours", "theirs"]
        await _capability(api, "data", actions=["list"], selector={"matchLabels": {"team": "data"}})
        await eventually(lambda: len(events.of("synced")) == 2)
        assert events.of("synced")[-1]["ids"] == ["ours"]
    assert [s["id"] for s in (await api.ask("GET", "/api/servers")).json()] == ["ours"]
    assert (await api.ask("GET", "/api/servers/theirs")).status_code == 404
    assert (await api.ask("DELETE", "/api/servers/ours")).status_code == 403
    assert api.audit[-1]["result"] == "denied"
    assert (await api.ask("GET", "/api/me")).json()["actions"] == ["list"]


async def test_an_install_of_owners_lets_only_the_owner_act(start_api: Starter):
    api: Api = await start_api(access_default="owner")
    await api.workspace("mine", owner="alice@example.com")
    assert (await api.as_(BOB).ask("DELETE", "/api/servers/mine")).status_code == 404
    assert (await api.as_(BOB).ask("GET", "/api/servers")).json() == []
    assert (await api.as_(BOB).ask("POST", "/api/jobs", json={"image": "acme/tool"})).status_code == 202
    assert (await api.ask("DELETE", "/api/servers/mine")).status_code == 200


async def test_changes_are_pushed_and_resumed(api: Api):
    await api.workspace("one")
    async with api.stream("/sse/servers") as events:
        await eventually(lambda: events.of("synced"))
        assert events.of("synced")[0]["full"] is True
        await api.workspace("two")
        await eventually(lambda: [s["id"] for s in events.of("server")] == ["one", "two"])
        last = events.ids[-1]
        await api.kube.delete(WORKSPACES, api.namespace, "one")
        await eventually(lambda: events.of("gone") == [{"id": "one"}])
    await api.workspace("three")
    async with api.stream("/sse/servers", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: again.of("synced"))
        assert again.of("synced")[0] == {"full": False}
        assert [s["id"] for s in again.of("server")] == ["three"]
        assert again.of("gone") == [{"id": "one"}]
    async with api.stream("/sse/servers?lastEventId=1.1") as long_ago:
        await eventually(lambda: long_ago.of("synced"))
        assert long_ago.of("synced")[0] == {"full": True, "ids": ["three", "two"]}


async def test_the_log_as_a_list(api: Api, kubelet):
    await api.workspace("ws")
    none = await api.ask("GET", "/api/servers/ws/logs")
    assert (none.status_code, none.json()["code"]) == (404, "no_pods")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", *(f"line {n}" for n in range(9)), "ERROR broken", "DEBUG detail")
    await eventually(lambda: api.services.watches.index.pod("ws"))
    lines = (await api.ask("GET", "/api/servers/ws/logs?limit=3")).json()
    assert [line["msg"] for line in lines] == ["line 8", "ERROR broken", "DEBUG detail"]
    assert {"t", "lvl", "msg", "container", "pod"} <= set(lines[0])

    async def asked(query: str) -> list[str]:
        return [line["msg"] for line in (await api.ask("GET", f"/api/servers/ws/logs?{query}")).json()]

    assert await asked("level=error") == ["ERROR broken"]
    assert await asked("q=LINE+3") == ["line 3"]
    assert await asked("since=1h&limit=1") == ["DEBUG detail"]
    assert await asked("until=1h") == []
    assert await asked("q=/LINE+%5B35%5D/i") == ["line 3", "line 5"]
    assert await asked("container=*&limit=2") == ["ERROR broken", "DEBUG detail"]
    assert await asked("previous=1") == []
    assert (await api.ask("GET", "/api/servers/ws/logs?q=/(/")).json()["details"][0]["field"] == "q"
    assert (await api.ask("GET", "/api/servers/ws/logs?container=x")).json()["code"] == "no_container"
    assert (await api.ask("GET", "/api/servers/ws/logs?level=loud")).status_code == 400


async def test_the_log_as_a_file(api: Api, kubelet):
    await api.workspace("ws")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", *(f"line {n} {'x' * 100}" for n in range(3000)))
    await eventually(lambda: api.services.watches.index.pod("ws"))
    saved = await api.ask("GET", "/api/servers/ws/logs?format=text")
    assert saved.headers["content-type"] == "text/plain; charset=utf-8"
    assert saved.headers["content-disposition"] == 'attachment; filename="ws-main.log"'
    lines = saved.text.splitlines()
    assert [line.split()[2] for line in lines] == [str(n) for n in range(3000)]
    assert lines[0].endswith("x" * 100)
    some = await api.ask("GET", "/api/servers/ws/logs?format=text&q=/line+1%5Cd+/")
    assert len(some.text.splitlines()) == 10
    assert (await api.ask("GET", "/api/servers/ws/logs?format=pdf")).json()["details"][0]["field"] == "format"


# ---- the edges of every request ------------------------------------------------------------------------------------


async def test_only_the_proxys_identity_for_this_very_request_is_believed(api: Api):
    now = time.time()
    good = sign(ALICE, KEY, method="GET", path="/api/servers", now=now)
    headers = {
        "missing": {},
        "another key": {HEADER: sign(ALICE, b"x" * 32, method="GET", path="/api/servers", now=now)},
        "another path": {HEADER: sign(ALICE, KEY, method="GET", path="/api/me", now=now)},
        "another method": {HEADER: sign(ALICE, KEY, method="POST", path="/api/servers", now=now)},
        "too old": {HEADER: sign(ALICE, KEY, method="GET", path="/api/servers", now=now - 120)},
        "tailscale's own": {"Tailscale-User-Login": "alice@example.com"},
    }
    import httpx2

    async with httpx2.AsyncClient(base_url=api.url, trust_env=False) as client:
        for case, given in headers.items():
            answer = await client.get("/api/servers", headers=given)
            assert (answer.status_code, answer.json()["code"]) == (403, "bad_identity"), case
        assert (await client.get("/api/servers", headers={HEADER: good})).status_code == 200
        assert (await client.get("/healthz")).text == "ok"
        assert (await client.get("/readyz")).json()["checks"].keys() == {"kubernetes", "crds", "redis", "cache"}


async def test_readiness_tells_of_each_part_and_redis_is_optional(api: Api):
    answer = await api.ask("GET", "/readyz")
    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert [name for name, check in checks.items() if check["ok"]] == ["kubernetes", "crds", "cache"]
    assert checks["redis"] == {"ok": False}


async def test_paths_and_methods_that_do_not_exist(api: Api):
    unknown = await api.ask("GET", "/api/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    wrong = await api.ask("PUT", "/api/servers/one")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["Allow"].split(", ")) == {"GET", "HEAD", "DELETE", "PATCH"}
    assert (await api.ask("GET", "/api/jobs")).headers["Allow"] == "POST"
    assert (await api.ask("HEAD", "/api/servers")).status_code == 200


async def test_a_sane_request_id_is_kept_and_any_other_replaced(api: Api):
    for sane in ("trace-0123456789", "trace.1", "abc"):
        kept = await api.ask("GET", "/api/me", headers={"X-Request-Id": sane})
        assert kept.headers["X-Request-Id"] == sane
    for bad in ("-short", 'x"; drop', "a" * 200):
        made = (await api.ask("GET", "/api/me", headers={"X-Request-Id": bad})).headers["X-Request-Id"]
        assert len(made) == 32
        assert int(made, 16) >= 0


async def test_the_callers_view_of_the_install(api: Api):
    me = (await api.ask("GET", "/api/me")).json()
    assert (me["login"], me["kind"]) == ("alice@example.com", "user")
    assert "launch" in me["actions"]
    assert (await api.as_(NOBODY).ask("GET", "/api/me")).json()["actions"] == []
    assert (await api.as_(NOBODY).ask("GET", "/api/servers")).status_code == 403
    config = (await api.ask("GET", "/api/ui-config")).json()
    assert (config["name"], config["originMode"]) == ("guildnet", "host")


async def test_presets_are_offered_and_fill_in(start_api: Starter, tmp_path: Path):
    presets = [
        {
            "label": "Jupyter Lab", "image": "acme/jupyter:1", "ports": [{"port": 8888, "name": "http"}],
            "pathMode": "Preserve", "env": {"MODE": "lab"},
        }
    ]  # fmt: skip
    file = tmp_path / "presets.json"
    file.write_text(json.dumps(presets))
    api: Api = await start_api(presets_file=file)
    assert (await api.ask("GET", "/api/images")).json()[0]["label"] == "Jupyter Lab"
    defaults = (await api.ask("GET", "/api/image-defaults?image=acme/jupyter:1")).json()
    assert defaults["ports"] == [{"port": 8888, "name": "http"}]
    assert (await api.ask("GET", "/api/image-defaults?image=other")).json() == {}
    for job in ({"image": "acme/jupyter:1"}, {"image": "acme/jupyter:2", "presetsRef": "jupyter-lab"}):
        name = (await api.ask("POST", "/api/jobs", json={**job, "env": {"X": "1"}})).json()["id"]
        spec = (await api.kube.get(WORKSPACES, api.namespace, name))["spec"]
        assert spec["ports"] == [{"containerPort": 8888, "name": "http", "protocol": "TCP", "pathMode": "Preserve"}]
        assert [e["name"] for e in spec["env"]] == ["MODE", "X"]
    missing = await api.ask("POST", "/api/jobs", json={"image": "x", "presetsRef": "nope"})
    assert missing.json()["details"][0]["field"] == "presetsRef"


async def test_the_ui_is_served_with_its_policy(start_api: Starter, tmp_path: Path):
    (tmp_path / "ui" / "assets").mkdir(parents=True)
    (tmp_path / "ui" / "index.html").write_text("<html><script>start()</script></html>")
    (tmp_path / "ui" / "assets" / "main-1.js").write_text("start()")
    (tmp_path / "secret").write_text("no")
    api: Api = await start_api(ui_dir=tmp_path / "ui")
    for route in ("/", "/servers/one"):
        page = await api.ask("GET", route)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert "frame-src 'self' http://*.guildnet.localhost:8080;" in policy
    assert "connect-src 'self' http://*.guildnet.localhost:8080;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'sha256-" in policy
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    script = await api.ask("GET", "/assets/main-1.js")
    assert "immutable" in script.headers["cache-control"]
    assert (await api.ask("GET", "/assets/none.js")).status_code == 404
    assert (await api.ask("GET", "/../secret")).text != "no"
    assert (await api.ask("POST", "/")).status_code == 405
    again = await api.ask("GET", "/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


async def test_it_does_its_work_with_the_charts_role_alone(start_api: Starter, api_server, kube, namespace):
    release = await make_namespace(kube)
    token = await grant(kube, "api", release=release, workspaces=namespace)
    told = {"lease_name": "guildnet-operator", "entries_configmap": "guildnet-entries", "release_namespace": release}
    api: Api = await start_api(kubeconfig=str(api_server.kubeconfig_for(token, namespace)), **told)
    lease = {"holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}
    await kube.create(LEASES, release, {"metadata": {"name": "guildnet-operator"}, "spec": lease})
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "guild.tail.example"}}
    await kube.create(CONFIGMAPS, release, entries)
    shown = (await api.ask("GET", "/api/install")).json()
    assert (shown["operator"]["name"], shown["tailnet"]) == ("one", "guild.tail.example")
    job = {"image": "acme/tool", "env": {"TOKEN": "x"}}
    name = (await api.ask("POST", "/api/jobs", json=job)).json()["id"]
    assert (await api.ask("PATCH", f"/api/servers/{name}", json={"env": {"TOKEN": "y"}})).status_code == 202
    assert (await api.ask("POST", f"/api/servers/{name}/stop")).status_code == 202
    assert (await api.ask("GET", "/readyz")).status_code == 200
    assert (await api.ask("DELETE", f"/api/servers/{name}")).status_code == 200
    assert path(WORKSPACES, namespace, name)


async def test_what_workspaces_use_is_told_of_those_one_may_know(api: Api, monkeypatch: pytest.MonkeyPatch):
    assert (await api.ask("GET", "/api/usage")).json() == {"measured": False, "servers": {}}, "no metrics-server here"
    for name, team in (("mine", "data"), ("hidden", "web")):
        await api.workspace(name, labels={"team": team})
        await api.pod(name, f"{name}-1")
    await eventually(lambda: api.services.watches.index.pod("hidden"))

    async def of_pods() -> dict[str, Used]:
        return {"mine-1": Used(0.25, 1024), "hidden-1": Used(1.0, 2048), "gone-1": Used(1.0, 1)}

    monkeypatch.setattr(api.services.usage, "of_pods", of_pods)
    spec = {"actions": ["list"], "selector": {"matchLabels": {"team": "data"}}}
    await api.kube.create(CAPABILITIES, api.namespace, {"metadata": {"name": "data"}, "spec": spec})
    await eventually(api.services.watches.capabilities)
    shown = (await api.ask("GET", "/api/usage")).json()
    assert shown == {"measured": True, "servers": {"mine": {"cpu": 0.25, "memory": 1024}}}


async def test_the_state_of_the_install_is_what_its_parts_have_said(start_api: Starter, kube: Client, namespace: str):
    api = await start_api(
        release_namespace=namespace, lease_name="guildnet-operator", entries_configmap="guildnet-entries"
    )
    first = (await api.ask("GET", "/api/install")).json()
    assert (first["versions"]["api"], first.get("operator"), first.get("tailnet")) == ("1.2.3", None, None)
    assert first["versions"]["kubernetes"].startswith("v1.")
    report = OperatorReport("1.2.2", 0.5, 12.0, 40_000)
    renewed = (datetime.now(UTC) - timedelta(seconds=4)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "operator-1", "leaseDurationSeconds": 15, "renewTime": renewed}
    meta = {"name": "guildnet-operator", "annotations": report.annotations()}
    await kube.create(LEASES, namespace, {"metadata": meta, "spec": spec})
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "guild.tail.example"}}
    await kube.create(CONFIGMAPS, namespace, entries)
    assert (await api.ask("GET", "/api/install")).json() == first, "the cluster is asked seldom, whoever asks"
    api.services.install.forget()
    shown = (await api.ask("GET", "/api/install")).json()
    heard = shown["operator"].pop("heardSeconds")
    assert 4 <= heard < 15
    assert shown == {
        "versions": {**first["versions"], "operator": "1.2.2"},
        "tailnet": "guild.tail.example",
        "operator": {
            "leads": True, "name": "operator-1", "queueSeconds": 0.5, "watchSeconds": 12.0, "portsLeft": 40_000,
        },
    }  # fmt: skip
    late = {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}
    await kube.merge_patch(LEASES, namespace, "guildnet-operator", late)
    api.services.install.forget()
    assert (await api.ask("GET", "/api/install")).json()["operator"]["leads"] is False
    assert (await api.as_(NOBODY).ask("GET", "/api/install")).status_code == 403
