"""Live logs over the restarts, replacements and the end of what is read."""

from __future__ import annotations

import pytest

from guildnet.kube.resources import PODS, WORKSPACES
from support.waiting import eventually

from .conftest import Api, Kubelet


async def test_a_restart_of_the_container_is_told_and_followed(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "first run")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: kubelet.follows == 1 and events.lines)
        kubelet.write("ws-1", "goodbye")
        kubelet.finish("ws-1")
        kubelet.write("ws-1", "second run", restart=1)
        await any_api.pod_status("ws-1", restart=1)
        await eventually(lambda: events.messages == ["first run", "goodbye", "second run"], within=20)
        assert [source["restart"] for source in events.of("source")] == [0, 1]


async def test_a_reader_that_was_away_over_a_restart_is_brought_what_it_missed_of_the_run_before(
    any_api: Api, kubelet: Kubelet
):
    kubelet.write("ws-1", "one", "two")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: events.messages == ["one", "two"])
        last = events.ids[0]
    kubelet.write("ws-1", "three")
    kubelet.finish("ws-1")
    kubelet.write("ws-1", "anew", restart=1)
    await any_api.pod_status("ws-1", restart=1)
    async with any_api.stream("/sse/logs?target=ws", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: again.messages == ["two", "three", "anew"], within=20)
        assert [source["restart"] for source in again.of("source")] == [0, 1]
        assert again.of("gap") == []


async def test_runs_that_nobody_kept_are_a_gap(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "one")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: events.lines)
        last = events.ids[0]
    kubelet.write("ws-1", "before", restart=4)
    kubelet.finish("ws-1", restart=4)
    kubelet.write("ws-1", "now", restart=5)
    await any_api.pod_status("ws-1", restart=5)
    async with any_api.stream("/sse/logs?target=ws", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: again.messages == ["before", "now"], within=20)
        assert [gap["reason"] for gap in again.of("gap")] == ["restarted"]


async def test_the_run_before_this_one_is_streamed_when_asked_for_and_the_stream_ends(any_api: Api, kubelet: Kubelet):
    async with any_api.stream("/sse/logs?target=ws&previous=1") as events:
        await eventually(lambda: events.ended)
        assert [status["reason"] for status in events.of("status")] == ["NoPrevious"]
        assert len(events.of("end")) == 1
    kubelet.write("ws-1", "ERROR died", "INFO last words")
    kubelet.finish("ws-1")
    kubelet.write("ws-1", "anew", restart=1)
    await any_api.pod_status("ws-1", restart=1)
    async with any_api.stream("/sse/logs?target=ws&previous=1&level=error") as events:
        await eventually(lambda: events.ended, within=20)
        assert events.messages == ["ERROR died"]
        assert events.of("source") == [{"pod": "ws-1", "container": "main", "restart": 0}]
        assert len(events.of("end")) == 1


@pytest.mark.parametrize("state", ["terminated", "waiting"])
async def test_a_container_that_does_not_run_has_ended_whatever_the_kubelet_calls_it(
    any_api: Api, kubelet: Kubelet, state: str
):
    kubelet.write("ws-1", "first")
    kubelet.finish("ws-1")
    kubelet.write("ws-1", "second", restart=1)
    kubelet.finish("ws-1", restart=1)
    if state == "waiting":
        kubelet.waiting.add("ws-1")
    await any_api.pod_status("ws-1", restart=1, state=state)
    async with any_api.stream("/sse/logs?target=ws&previous=1") as events:
        await eventually(lambda: events.ended, within=20)
        assert events.messages == ["second"]
        assert events.of("source") == [{"pod": "ws-1", "container": "main", "restart": 1}]
    for query in ("previous=1", "previous=0", "previous=1&container=*"):
        lines = (await any_api.ask("GET", f"/api/servers/ws/logs?{query}")).json()
        assert [line["msg"] for line in lines] == ["second"], query


async def test_the_run_that_ended_last_of_a_container_that_runs_is_the_one_before(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "first")
    assert (await any_api.ask("GET", "/api/servers/ws/logs?previous=1")).json() == []
    kubelet.finish("ws-1")
    kubelet.write("ws-1", "second", restart=1)
    await any_api.pod_status("ws-1", restart=1)
    for query, expected in (
        ("previous=1", ["first"]),
        ("previous=0", ["second"]),
        ("previous=1&container=*", ["first"]),
    ):
        lines = (await any_api.ask("GET", f"/api/servers/ws/logs?{query}")).json()
        assert [line["msg"] for line in lines] == expected, query


async def test_a_run_whose_log_the_kubelet_has_removed_is_a_gap_and_none_of_its_remarks_a_line(
    any_api: Api, kubelet: Kubelet
):
    kubelet.write("ws-1", "one")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: events.lines)
        last = events.ids[0]
    kubelet.drop()
    await eventually(lambda: not any_api.services.hub._open, within=10)
    kubelet.removed.add(("ws-1", 0))
    kubelet.write("ws-1", "anew", restart=1)
    await any_api.pod_status("ws-1", restart=1)
    async with any_api.stream("/sse/logs?target=ws", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: again.messages == ["anew"], within=20)
        assert [gap["reason"] for gap in again.of("gap")] == ["restarted"]


async def test_a_new_pod_is_told_and_followed(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "old pod")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: kubelet.follows == 1 and events.lines)
        await any_api.kube.delete(PODS, any_api.namespace, "ws-1", grace_period=0)
        kubelet.finish("ws-1")
        await any_api.pod("ws", "ws-2", state="waiting")
        kubelet.write("ws-2", "new pod")
        await any_api.pod_status("ws-2")
        await eventually(lambda: events.messages == ["old pod", "new pod"], within=20)
        assert [source["pod"] for source in events.of("source")] == ["ws-1", "ws-2"]


async def test_without_a_pod_the_stream_waits_and_says_why(any_api: Api, kubelet: Kubelet):
    await any_api.workspace("idle", owner="alice@example.com")
    async with any_api.stream("/sse/logs?target=idle") as events:
        await eventually(lambda: events.of("status"))
        assert events.of("status")[0]["reason"]
        await any_api.pod("idle", "idle-1")
        kubelet.write("idle-1", "awake")
        await eventually(lambda: events.messages == ["awake"])


async def test_a_kubelet_that_does_not_know_a_new_pod_yet_is_asked_again(any_api: Api, kubelet: Kubelet):
    await any_api.workspace("early", owner="alice@example.com")
    await any_api.pod("early", "early-1")
    async with any_api.stream("/sse/logs?target=early") as events:
        await eventually(lambda: kubelet.opened)
        kubelet.write("early-1", "here I am")
        await eventually(lambda: events.messages == ["here I am"])


async def test_the_stream_of_a_deleted_workspace_says_so_and_ends(any_api: Api):
    await any_api.workspace("going", owner="alice@example.com")
    async with any_api.stream("/sse/logs?target=going") as events:
        await eventually(lambda: events.of("status"))
        await any_api.kube.delete(WORKSPACES, any_api.namespace, "going")
        await eventually(lambda: events.ended)
        assert events.of("status")[-1]["reason"] == "Deleted"
