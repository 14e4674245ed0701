"""Live logs over real Redis and a real API server; only the kubelet's streams are played."""

from __future__ import annotations

import time

import pytest

from guildnet.kube.resources import PODS, WORKSPACES
from support.redis import RedisServer
from support.waiting import eventually

from .conftest import Api, Kubelet, Starter


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
        await eventually(lambda: kubelet.follows == 1)
        kubelet.write("ws-1", "new")
        await eventually(lambda: events.lines)
        assert events.messages == ["new"]


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


async def test_while_a_container_waits_to_be_started_again_its_last_run_is_the_previous_one(
    any_api: Api, kubelet: Kubelet
):
    kubelet.write("ws-1", "first")
    kubelet.write("ws-1", "second", restart=1)
    kubelet.finish("ws-1", restart=1)
    kubelet.waiting.add("ws-1")
    await any_api.pod_status("ws-1", restart=1, running=False)
    async with any_api.stream("/sse/logs?target=ws&previous=1") as events:
        await eventually(lambda: events.ended, within=20)
        assert events.messages == ["second"]
        assert events.of("source") == [{"pod": "ws-1", "container": "main", "restart": 1}]


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


async def test_a_new_pod_is_told_and_followed(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "old pod")
    async with any_api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: kubelet.follows == 1 and events.lines)
        await any_api.kube.delete(PODS, any_api.namespace, "ws-1", grace_period=0)
        kubelet.finish("ws-1")
        await any_api.pod("ws", "ws-2", running=False)
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


@pytest.fixture
async def helped(any_api: Api, kubelet: Kubelet) -> Api:
    """A workspace `two`, whose pod has a container `helper` beside `main`."""
    await any_api.workspace("two", owner="alice@example.com")
    kubelet.write("two-1", "main 0")
    kubelet.write("two-1/helper", "helper 0")
    await any_api.pod("two", "two-1", others=["helper"])
    return any_api


async def test_every_container_is_read_in_one_stream_each_in_its_order(helped: Api, kubelet: Kubelet):
    async with helped.stream("/sse/logs?target=two&container=*") as events:
        await eventually(lambda: sorted(events.messages) == ["helper 0", "main 0"])
        for n in range(1, 20):
            kubelet.write("two-1/helper" if n % 2 else "two-1", f"{'helper' if n % 2 else 'main'} {n}")
        await eventually(lambda: len(events.lines) == 21)
        for name, numbers in (("main", range(0, 20, 2)), ("helper", (0, *range(1, 20, 2)))):
            assert [line["msg"] for line in events.lines if line["container"] == name] == [
                f"{name} {n}" for n in numbers
            ]
        assert sorted(source["container"] for source in events.of("source")) == ["helper", "main"]
        assert len(set(events.ids)) == len(events.ids) == 21
    assert kubelet.follows == 2


async def test_a_reader_of_every_container_goes_on_in_each_at_its_next_line(helped: Api, kubelet: Kubelet):
    async with helped.stream("/sse/logs?target=two&container=*") as events:
        await eventually(lambda: len(events.lines) == 2)
        last = events.ids[-1]
    kubelet.write("two-1", "main 1")
    kubelet.write("two-1/helper", "helper 1", "helper 2")
    async with helped.stream("/sse/logs?target=two&container=*", **{"Last-Event-ID": last}) as again:
        await eventually(lambda: len(again.lines) == 3)
        assert sorted(again.messages) == ["helper 1", "helper 2", "main 1"]
        assert again.of("gap") == []


async def test_what_a_silent_container_wrote_while_its_reader_was_away_is_not_cut_to_a_tail(
    any_api: Api, kubelet: Kubelet
):
    await any_api.workspace("two", owner="alice@example.com")
    kubelet.write("two-1", "main 0")
    kubelet.files["two-1/helper", 0] = []
    await any_api.pod("two", "two-1", others=["helper"])
    async with any_api.stream("/sse/logs?target=two&container=*&tail=1") as events:
        await eventually(lambda: events.messages == ["main 0"])
    kubelet.write("two-1/helper", *(f"helper {n}" for n in range(5)))
    async with any_api.stream(f"/sse/logs?target=two&container=*&tail=1&lastEventId={events.ids[-1]}") as again:
        await eventually(lambda: again.messages == [f"helper {n}" for n in range(5)])


async def test_the_tails_of_every_container_end_with_one_end(helped: Api):
    async with helped.stream("/sse/logs?target=two&container=*&follow=0") as events:
        await eventually(lambda: events.ended)
        assert sorted(events.messages) == ["helper 0", "main 0"]
        assert events.of("end") == [{}]
        assert events.named[-1] == ("end", {})


async def test_every_container_of_what_has_no_pod_yet_is_waited_for(any_api: Api, kubelet: Kubelet):
    await any_api.workspace("late", owner="alice@example.com")
    async with any_api.stream("/sse/logs?target=late&container=*") as events:
        await eventually(lambda: events.of("status"))
        kubelet.write("late-1", "main")
        kubelet.write("late-1/helper", "helper")
        await any_api.pod("late", "late-1", others=["helper"])
        await eventually(lambda: sorted(events.messages) == ["helper", "main"], within=10)


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


# ---- more than one replica ------------------------------------------------------------------------------------------


async def test_two_replicas_share_one_follow_and_take_over_from_each_other(
    start_api: Starter, redis_url: str, kubelet: Kubelet
):
    first: Api = await start_api(redis_url=redis_url)
    second: Api = await start_api(redis_url=redis_url)
    await first.workspace("ws", owner="alice@example.com")
    await first.pod("ws", "ws-1")
    kubelet.write("ws-1", "line 0")
    await eventually(lambda: second.services.watches.index.pod("ws"))
    async with second.stream("/sse/logs?target=ws") as there:
        async with first.stream("/sse/logs?target=ws") as here:
            await eventually(lambda: here.messages == there.messages == ["line 0"])
            assert kubelet.follows == 1
            last = here.ids[-1]
        # The first reader leaves; whoever held the lease, lines go on arriving at the second replica.
        for n in range(1, 40):
            kubelet.write("ws-1", f"line {n}")
            await eventually(lambda n=n: there.messages[-1] == f"line {n}", within=12)
        assert there.messages == [f"line {n}" for n in range(40)]
        async with first.stream("/sse/logs?target=ws", **{"Last-Event-ID": last}) as back:
            await eventually(lambda: back.messages == [f"line {n}" for n in range(1, 40)])
            assert back.ids == there.ids[1:]


async def test_redis_going_and_coming_back_costs_no_line(
    start_api: Starter, redis_server: RedisServer, kubelet: Kubelet
):
    assert redis_server.command("FLUSHALL") == b"+OK\r\n"
    api: Api = await start_api(redis_url=redis_server.url)
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line 0")
    async with api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: events.lines)
        redis_server.stop(kill=True)
        try:
            kubelet.write("ws-1", "line 1")
            await eventually(lambda: events.messages[-1] == "line 1", within=15)
            assert events.of("status")[-1]["degraded"] is True
        finally:
            redis_server.start()
        await eventually(lambda: api.services.hub.shared, within=15)
        for n in range(2, 30):
            kubelet.write("ws-1", f"line {n}")
            await eventually(lambda n=n: events.messages[-1] == f"line {n}", within=15)
        assert events.messages == [f"line {n}" for n in range(30)]
        await eventually(lambda: events.of("status")[-1]["degraded"] is False, within=15)
        assert events.of("gap") == []


async def test_a_frozen_redis_costs_no_line(start_api: Starter, redis_server: RedisServer, kubelet: Kubelet):
    assert redis_server.command("FLUSHALL") == b"+OK\r\n"
    api: Api = await start_api(redis_url=redis_server.url)
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line 0")
    async with api.stream("/sse/logs?target=ws") as events:
        await eventually(lambda: events.lines and kubelet.follows)
        redis_server.process.pause()
        try:
            kubelet.write("ws-1", "line 1")
            await eventually(lambda: events.messages[-1] == "line 1", within=15)
        finally:
            redis_server.process.resume()
        await eventually(lambda: api.services.hub.shared, within=15)
        kubelet.write("ws-1", "line 2")
        await eventually(lambda: events.messages == ["line 0", "line 1", "line 2"], within=15)
        assert events.of("gap") == []
