"""stop-all deletes what its caller may delete, and a Capability closes it; on an install of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from support.local import NAMESPACE, Local, workspace
from support.release import Release, children, gone, installed
from support.waiting import until

IMAGE = "guildnet/jupyterlab:0.1.0"
# Process 1 has no default for SIGTERM: without a handler its pod would last its whole grace period of 30 s.
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]
OURS, THEIRS = "stop-ours", "stop-theirs"


@pytest.fixture
def release(local: Local) -> Iterator[Release]:
    """An install with two Workspaces and an account that is nobody in particular."""
    with installed(local) as made:
        for name, team in ((OURS, "data"), (THEIRS, "web")):
            one = workspace(name, IMAGE, command=SLEEP, probe={"type": "none"})
            one["metadata"]["labels"] = {"team": team}
            made.apply(one)
        for name in (OURS, THEIRS):
            made.wait_ready(name)
        local.kubectl("-n", made.name, "create", "serviceaccount", "visitor")
        yield made


def _capability(release: Release, name: str, **spec: Any) -> None:
    release.apply(
        {"apiVersion": "guildnet.io/v1alpha1", "kind": "Capability", "metadata": {"name": name}, "spec": spec}
    )


def _workspaces(local: Local, namespace: str) -> dict[str, str]:
    """Names and uids."""
    listed = json.loads(local.kubectl("-n", namespace, "get", "ws", "-o", "json"))["items"]
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in listed}


def _stops(api: httpx2.Client, path: str = "/api/stop-all", **query: str) -> list[str]:
    answer = api.post(path, params=query)
    assert answer.status_code == 200, answer.text
    deleted: list[str] = answer.json()["deleted"]
    return deleted


def test_stop_all_takes_what_a_capability_gives_and_an_administrator_all(local: Local, release: Release):
    neighbours, before = _workspaces(local, NAMESPACE), _workspaces(local, release.workspaces)
    assert set(before) == {OURS, THEIRS}
    for name in before:
        assert [one.split("/")[0] for one in children(release, name)] == ["Deployment", "Pod", "Service"]
    with release.front_door() as url, release.client(url, "visitor") as visitor, release.client(url) as admin:
        assert _stops(visitor, dryRun="true") == [OURS, THEIRS], "an open install"

        _capability(release, "everyone-may-look", actions=["list"])
        closed = until(lambda: _refusal(visitor), "the Capability that closes it")
        assert closed["code"] == "forbidden"
        assert _workspaces(local, release.workspaces) == before

        _capability(release, "data-may-stop", actions=["stopAll"], selector={"matchLabels": {"team": "data"}})
        until(lambda: visitor.post("/api/stop-all", params={"dryRun": "true"}).status_code == 200, "the second one")
        assert _stops(visitor) == [OURS]
        gone(release, OURS)
        assert _workspaces(local, release.workspaces) == {THEIRS: before[THEIRS]}

        assert _stops(admin, "/api/admin/stop-all") == [THEIRS]
        gone(release, THEIRS)
    assert _workspaces(local, release.workspaces) == {}
    assert _workspaces(local, NAMESPACE) == neighbours, "another install's Workspaces are none of its business"


def _refusal(api: httpx2.Client) -> dict[str, Any] | None:
    answer = api.post("/api/stop-all", params={"dryRun": "true"})
    return answer.json() if answer.status_code == 403 else None
