"""A Workspace as a Server, and the list's filters."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet import workspace
from guildnet.errors import Invalid
from guildnet.web.entries import Entry
from guildnet.workspace import Workspace
from guildnet_api.cluster import events, pods
from guildnet_api.cluster.events import owner
from guildnet_api.cluster.index import Position, Rights, WorkspaceIndex
from guildnet_api.workspaces.view import Query, detail, matches, query, server, status

HOST = Entry("local", "http://guildnet.localhost:8080", "host")
PORT = Entry("tailnet", "https://guildnet.tailnet.example", "port")
PATH = Entry("domain", "https://guildnet.example.com", "path")


def make(name: str = "ws", *, spec: dict[str, Any] | None = None, rv: str = "10", **status_fields: Any):
    return workspace.parse(
        {
            "metadata": {
                "name": name, "namespace": "n", "uid": "0123456789ab", "resourceVersion": rv,
                "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"guildnet.io/owner": "alice@example.com"},
            },
            "spec": {"image": "acme/tool:1", **(spec or {})},
            "status": status_fields,
        }
    )  # fmt: skip


def pod(
    name: str = "ws-1", workspace_name: str = "ws", *, rv: str = "20", uid: str = "0123456789ab", **state: Any
) -> pods.Pod:
    states = {"state": state} if state else {}
    return pods.parse(
        {
            "metadata": {
                "name": name, "uid": f"uid-{name}", "resourceVersion": rv,
                "labels": {"guildnet.io/workspace": workspace_name, "guildnet.io/workspace-uid": uid},
            },
            "spec": {"nodeName": "node-1", "containers": [{"name": "main"}, {"name": "side"}]},
            "status": {"containerStatuses": [{"name": "main", "restartCount": 2, **states}]},
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "phase", "expected"),
    [
        ({}, None, "pending"),
        ({}, "Pending", "pending"),
        ({}, "Running", "running"),
        ({}, "Failed", "failed"),
        ({}, "Terminating", "stopped"),
        ({"running": False}, "Running", "stopped"),
        ({"running": True}, "Stopped", "pending"),
    ],
)
def test_status_follows_the_wish_and_then_the_phase(spec: dict[str, Any], phase: str | None, expected: str):
    assert status(make(spec=spec, **({"phase": phase} if phase else {}))) == expected


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        (HOST, "http://ws-01234567.guildnet.localhost:8080/"),
        (PORT, "https://guildnet.tailnet.example:20007/"),
        (PATH, None),
        (None, None),
    ],
    ids=["host", "port", "path", "no entry"],
)
def test_the_url_belongs_to_the_entry_of_the_request(entry: Entry | None, url: str | None):
    view = server(make(origin={"port": 20007, "host": "ws-01234567"}), (), entry)
    assert view.get("url") == url
    assert view["proxy_url"] == "/proxy/server/ws/"


def test_secrets_are_never_shown():
    env = [
        {"name": "MODE", "value": "fast"},
        {"name": "API_TOKEN", "value": "leaked"},
        {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    assert server(make(spec={"env": env}), (), None)["env"] == {
        "MODE": "fast",
        "API_TOKEN": "********",
        "FROM": "********",
    }


def test_what_is_not_known_is_not_there():
    assert server(make(), (), None).keys() == {
        "id", "name", "image", "status", "owner", "created_at", "updated_at", "ports", "proxy_url",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "ports"),
    [
        ({}, [(8080, "http"), (8443, "https")]),
        ({"image": "x/code-server/custom"}, [(8080, "http")]),
        ({"ports": [{"containerPort": 3000}, {"containerPort": 9, "name": "a"}]}, [(3000, "p-3000"), (9, "a")]),
    ],
    ids=["any image", "code-server anywhere in the repository", "given"],
)
def test_the_ports_shown_are_those_that_the_operator_serves(spec: dict[str, Any], ports: list[tuple[int, str]]):
    assert [(port["port"], port["name"]) for port in server(make(spec=spec), (), None)["ports"]] == ports


def test_the_reason_is_the_operators_else_what_holds_the_pod():
    waiting = pod(waiting={"reason": "ImagePullBackOff", "message": "no such image"})
    view = server(make(), [waiting], None)
    assert (view["reason"], view["message"], view["node"]) == ("ImagePullBackOff", "no such image", "node-1")
    ready = {"type": "Ready", "status": "False", "reason": "Pulling", "message": "the image is being pulled"}
    assert server(make(conditions=[ready]), [waiting], None)["reason"] == "Pulling"
    degraded = {"type": "Degraded", "status": "True", "reason": "NameTaken", "message": "taken"}
    assert server(make(phase="Running", conditions=[ready, degraded]), [], None)["reason"] == "NameTaken"


def test_a_detail_has_conditions_in_kubernetes_own_shape():
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T00:00:00Z", "reason": "Up"}
    view = detail(make(phase="Running", conditions=[ready]), (), None, [])
    assert view["conditions"] == [ready]
    assert view["updated_at"] == "2026-01-02T00:00:00Z"


def test_a_detail_has_what_a_patch_can_change():
    spec = {
        "image": "a/jupyterlab", "storage": {"size": "1Gi", "retain": True}, "presetsRef": "lab",
        "ports": [{"containerPort": 8888, "name": "web", "pathMode": "Preserve"}],
    }  # fmt: skip
    meta = {"name": "ws", "labels": {"team": "data", "guildnet.io/id": "ws"}}
    view = detail(workspace.parse({"metadata": meta, "spec": spec}), (), None, [])
    assert view["ports"] == [{"port": 8888, "name": "web", "pathMode": "Preserve"}]
    assert (view["labels"], view["storage"], view["presetsRef"]) == ({"team": "data"}, {"size": "1Gi"}, "lab")


def test_filters():
    ws = make(spec={"notes": "For the Demo"})
    assert matches(ws, query({"q": "DEMO"}))
    assert matches(ws, query({"status": "running,pending", "owner": "alice@example.com"}))
    assert not matches(ws, query({"owner": "alice"}))
    assert not matches(ws, query({"status": "stopped"}))
    with pytest.raises(Invalid):
        query({"status": "asleep"})


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("Workspace", "my-app-1a2b3", "my-app-1a2b3"),
        ("ReplicaSet", "my-app-1a2b3-5d8f7c9b4", "my-app-1a2b3"),
        ("Pod", "my-app-1a2b3-5d8f7c9b4-x2x4z", "my-app-1a2b3"),
        ("Pod", "bare", ""),
        ("PersistentVolumeClaim", "my-app-1a2b3-storage", "my-app-1a2b3"),
        ("PersistentVolumeClaim", "somebody-elses", ""),
        ("Service", "my-app-storage", "my-app-storage"),
    ],
)
def test_events_find_their_workspace_by_name(kind: str, name: str, expected: str):
    assert owner(kind, name) == expected


def test_a_timeline_is_in_order():
    ws = make(conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:02Z"}])
    found = [
        events.parse({"metadata": {"name": str(n)}, "involvedObject": {}, "lastTimestamp": f"2026-01-01T00:00:0{n}Z"})
        for n in (3, 1)
    ]
    assert [item["t"][-3:-1] for item in events.timeline(ws, found)] == ["01", "02", "03"]


EVERY, NONE = Rights("every"), Rights("none", lambda _: False)


# ---- the index ------------------------------------------------------------------------------------------------------


async def test_a_fragment_is_encoded_once_per_change():
    index = WorkspaceIndex()
    ws = make()
    index.put_workspace(ws)
    first = index.fragment(ws, HOST)
    assert index.fragment(ws, HOST) is first
    assert index.fragment(ws, PORT) is not first
    index.put_pod(pod())
    assert index.fragment(ws, HOST) is not first


async def test_the_pod_of_a_deleted_workspace_is_not_its_successors():
    index = WorkspaceIndex()
    index.put_workspace(make())
    index.put_pod(pod("left", uid="of-the-deleted-one"))
    assert index.pod("ws") is None
    index.put_pod(pod())
    assert [found.name for found in index.pods("ws")] == ["ws-1"]
    index.drop_workspace("ws")
    assert index.pods("ws") == ()


async def test_a_list_is_joined_once_per_change_and_its_etag_follows_its_content():
    index = WorkspaceIndex()
    index.put_workspace(make("b"))
    index.put_workspace(make("a"))
    body, etag = index.listing(HOST, Query(), EVERY)
    assert body.index(b'"id":"a"') < body.index(b'"id":"b"')
    assert index.listing(HOST, Query(), EVERY)[0] is body
    assert index.listing(HOST, Query(), NONE)[0] == b"[]"
    assert index.listing(HOST, Query(owner="nobody"), EVERY)[0] == b"[]"
    index.put_workspace(make("c", rv="11"))
    assert index.listing(HOST, Query(), EVERY)[1] != etag


async def test_a_list_of_the_same_rights_is_made_once_per_change():
    index = WorkspaceIndex()
    for number in range(3):
        index.put_workspace(make(f"w{number}"))
    asked: list[str] = []

    def allowed(ws: Workspace) -> bool:
        asked.append(ws.name)
        return ws.name != "w1"

    some = Rights("some", allowed)
    first = index.listing(HOST, Query(), some)[0]
    assert index.listing(HOST, Query(), some)[0] is first
    assert asked == ["w0", "w1", "w2"]
    assert b"w1" not in first
    index.put_workspace(make("w3", rv="11"))
    assert b"w3" in index.listing(HOST, Query(), some)[0]


async def test_pods_of_workspaces_that_came_and_went_leave_nothing():
    index = WorkspaceIndex()
    for number in range(100):
        index.put_workspace(make(f"w{number}"))
        index.put_pod(pod(f"w{number}-1", f"w{number}"))
        index.drop_workspace(f"w{number}")
        index.drop_pod(pod(f"w{number}-1", f"w{number}"))
    assert not index._changed
    assert not index._pods


async def test_after_a_restored_cluster_everybody_is_told_everything():
    index = WorkspaceIndex()
    index.put_workspace(make("kept", rv="100"))
    index.put_workspace(make("lost", rv="110"))
    index.listed(workspaces="120", pods="120")
    before = index.position
    # The backup is of version 105: the list says so, and what came later is not in it.
    index.drop_workspace("lost")
    index.listed(workspaces="105", pods="105")
    assert index.resume(before).full
    assert index.resume(Position(90, 90)).full
    at = index.position
    assert at == Position(105, 105)
    index.put_workspace(make("new", rv="107"))
    assert [ws.name for ws in index.resume(at).changed][-1] == "new"
    assert not index.resume(at).full


async def test_a_reader_learns_each_change_after_its_place_and_no_other():
    index = WorkspaceIndex()
    index.put_workspace(make("a", rv="10"))
    index.listed(workspaces="12", pods="12")
    version, place = index.version, index.position
    index.put_workspace(make("b", rv="13"))
    index.put_pod(pod("b-1", "b", rv="14"))
    index.drop_workspace("a")
    for delta in (index.after(version), index.resume(place)):
        told = [ws.name for ws in delta.changed], [ws.name for ws in delta.gone], delta.full
        assert told == (["b"], ["a"], False)
    assert index.resume(index.position).changed == []
    assert index.resume(index.position).gone == []


async def test_a_place_before_what_is_remembered_gets_everything():
    index = WorkspaceIndex()
    index.put_workspace(make("a", rv="10"))
    index.listed(workspaces="12")
    assert index.resume(Position(11, 0)).full
    assert index.resume(None).full
    assert not index.resume(Position(12, 0)).full


async def test_a_reader_ahead_of_this_replica_loses_nothing():
    index = WorkspaceIndex()
    index.listed(workspaces="10", pods="10")
    ahead = Position(20, 10)
    index.put_workspace(make("known", rv="15"))
    index.put_workspace(make("new", rv="25"))
    assert [ws.name for ws in index.resume(ahead).changed] == ["new"]


@pytest.mark.parametrize("text", ["", "5", "a.b", "1.-2", "1.2.3", "².", f"{'9' * 5000}.1"])
def test_a_place_that_is_none_is_the_beginning(text: str):
    assert Position.parse(text) is None
    assert Position.parse(str(Position(3, 4))) == Position(3, 4)


@pytest.mark.parametrize(("counted", "shown"), [(0, None), (3, 3)])
def test_it_says_how_often_it_was_started_again_where_it_was(counted: int, shown: int | None):
    assert server(make(restarts=counted), (), None).get("restarts") == shown
