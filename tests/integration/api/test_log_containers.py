"""Live logs of every container of a workspace in one stream."""

from __future__ import annotations

import pytest

from support.waiting import eventually

from .conftest import Api, Kubelet


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
