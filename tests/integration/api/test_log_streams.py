"""Live logs over real Redis and a real API server; only the kubelet's streams are played."""

from __future__ import annotations

import time
from itertools import count

from guildnet.kube.resources import WORKSPACES
from support.waiting import eventually

from .conftest import Api, Kubelet


async def test_the_tail_comes_first_and_then_each_line_as_it_is_written(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", *(f"old {n}" for n in range(10)))
    async with any_api.stream("/sse/logs?target=ws&tail=3") as events:
        await eventually(lambda: len(events.lines) == 3)
        assert events.messages == ["old 7", "old 8", "old 9"]
        for n in range(20):
            # Each has to come before the next is written.
            kubelet.write("ws-1", f"new {n}")
            await eventually(lambda n=n: events.messages[-1] == f"new {n}", every=0.005)
        assert events.messages[3:] == [f"new {n}" for n in range(20)]
        assert len(set(events.ids)) == len(events.ids) == 23
        assert events.retries
        assert events.of("source") == [{"pod": "ws-1", "container": "main", "restart": 0}]
        assert events.answer.headers["cache-control"] == "no-cache, no-transform"
        assert events.answer.headers["x-accel-buffering"] == "no"


async def test_a_tail_of_none_brings_only_what_is_new(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "old")
    async with any_api.stream("/sse/logs?target=ws&tail=0") as events:
        numbers = count()

        def told() -> bool:
            # New is what comes once the log was read to its end, of which a stream says nothing.
            kubelet.write("ws-1", f"new {next(numbers)}")
            return bool(events.lines)

        await eventually(told)
        assert "old" not in events.messages
        first = int(events.messages[0].removeprefix("new "))
        assert events.messages == [f"new {first + n}" for n in range(len(events.messages))]


async def test_many_viewers_cost_one_follow(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "first")
    async with (
        any_api.stream("/sse/logs?target=ws") as one,
        any_api.stream("/sse/logs?target=ws") as two,
        any_api.stream("/sse/logs?target=ws&level=error") as errors,
    ):
        await eventually(lambda: one.messages == two.messages == ["first"])
        kubelet.write("ws-1", "INFO fine", "ERROR broken")
        await eventually(lambda: one.messages[1:] == two.messages[1:] == ["INFO fine", "ERROR broken"])
        await eventually(lambda: errors.messages == ["ERROR broken"])
        assert [line["lvl"] for line in one.lines] == ["info", "info", "error"]
    assert kubelet.follows == 1


async def test_a_reader_that_comes_back_goes_on_at_the_next_line(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", *(f"line {n}" for n in range(5)))
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: len(events.lines) == 5)
        last = events.ids[2]
    kubelet.write("ws-1", "line 5")
    async with any_api.stream("/sse/logs?target=ws", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: again.messages == ["line 3", "line 4", "line 5"])
    async with any_api.stream(f"/sse/logs?target=ws&lastEventId={last}") as again:
        await eventually(lambda: again.messages == ["line 3", "line 4", "line 5"])
        assert again.of("gap") == []


async def test_a_cut_stream_loses_nothing_and_repeats_nothing(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "line 0")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: events.lines)
        for n in range(1, 60):
            kubelet.write("ws-1", f"line {n}")
            if n % 20 == 0:
                opened = len(kubelet.opened)
                kubelet.drop()
                kubelet.write("ws-1", *(f"during {n}.{m}" for m in range(3)))
                await eventually(lambda opened=opened: len(kubelet.opened) > opened, within=20)
        await eventually(lambda: events.messages[-1:] == ["line 59"], within=20)
        expected = [
            text
            for n in range(60)
            for text in (f"line {n}", *(f"during {n}.{m}" for m in range(3) if n and n % 20 == 0))
        ]
        assert events.messages == expected
        assert events.of("gap") == []


async def test_lines_removed_before_they_were_read_are_a_gap(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "one")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: kubelet.follows == 1 and events.lines)
        kubelet.files["ws-1", 0] = []
        kubelet.write("ws-1", "later")
        kubelet.drop()
        await eventually(lambda: "later" in events.messages, within=20)
        assert [gap["reason"] for gap in events.of("gap")] == ["rotated"]


async def test_a_stream_brings_only_what_answers_its_question(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "GET /a 200", "GET /b 500")
    async with (
        any_api.stream("/sse/logs?target=ws&q=/%2F5%5Cd%5Cd%24%2F") as none,
        any_api.stream("/sse/logs?target=ws&q=/5%5Cd%5Cd%24/") as failed,
        any_api.stream("/sse/logs?target=ws&q=get%20%2Fa") as of_a,
    ):
        await eventually(lambda: failed.messages == ["GET /b 500"])
        kubelet.write("ws-1", "GET /a 503", "GET /5000/ok 201")
        await eventually(lambda: failed.messages == ["GET /b 500", "GET /a 503"])
        await eventually(lambda: of_a.messages == ["GET /a 200", "GET /a 503"])
        assert none.messages == []
    refused = await any_api.ask("GET", "/sse/logs?target=ws&q=/(/")
    assert refused.status_code == 400
    assert [detail["field"] for detail in refused.json()["details"]] == ["q"]


async def test_events_and_changes_of_condition_come_between_the_lines_when_asked_for(any_api: Api, kubelet: Kubelet):
    await happened(any_api, "first", "Pulled")
    await eventually(lambda: any_api.services.watches.events("ws"))
    kubelet.write("ws-1", "line")
    async with (
        any_api.stream("/sse/logs?target=ws&events=1") as told,
        any_api.stream("/sse/logs?target=ws") as plain,
    ):
        await eventually(lambda: told.messages == plain.messages == ["line"])
        assert [event["reason"] for event in told.of("event")] == ["Pulled"]
        await happened(any_api, "second", "BackOff")
        await eventually(lambda: [event["reason"] for event in told.of("event")] == ["Pulled", "BackOff"], within=3)
        changed = {"type": "Ready", "status": "False", "reason": "NotAnswering", "message": "no answer"}
        status = {"status": {"conditions": [changed | {"lastTransitionTime": "2099-01-01T00:00:00Z"}]}}
        await any_api.kube.merge_patch(WORKSPACES, any_api.namespace, "ws", status, subresource="status")
        await eventually(lambda: told.of("event")[-1].get("condition") == "Ready", within=3)
        assert plain.of("event") == []
        last = told.ids[-1]
    async with any_api.stream("/sse/logs?target=ws&events=1", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: again.of("source"))
        assert again.messages == []


async def happened(api: Api, name: str, reason: str) -> None:
    """A Kubernetes event of the workspace's pod."""
    body = {
        "metadata": {"name": f"ws-1.{name}"},
        "involvedObject": {"kind": "Pod", "name": "ws-abc-1", "namespace": api.namespace},
        "type": "Normal",
        "reason": reason,
        "message": f"it {reason}",
        "count": 1,
        "lastTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)),
    }
    await api.kube.request("POST", f"/api/v1/namespaces/{api.namespace}/events", body=body)


async def test_closing_down_ends_every_stream_with_a_retry(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "line")
    async with any_api.stream("/sse/logs?target=ws") as logs, any_api.stream("/sse/servers") as servers:
        await eventually(lambda: logs.lines and servers.of("synced"))
        any_api.services.supervisor.close()
        await eventually(lambda: logs.ended and servers.ended)
        assert len(logs.retries) == len(servers.retries) == 2


async def test_what_cannot_be_streamed_is_refused_before_it_begins(any_api: Api):
    missing = await any_api.ask("GET", "/sse/logs")
    assert (missing.status_code, missing.json()["code"]) == (400, "missing_target")
    unknown = await any_api.ask("GET", "/sse/logs?target=nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    probe = await any_api.ask("GET", "/sse/logs?target=ws", headers={"Accept": "application/json"})
    assert probe.status_code == 200
    assert probe.json()["target"] == "ws"
