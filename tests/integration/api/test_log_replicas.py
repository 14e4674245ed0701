"""Live logs by more than one replica, and while Redis is away."""

from __future__ import annotations

from support.redis import RedisServer
from support.waiting import eventually

from .conftest import Api, Kubelet, Starter


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
            await eventually(lambda: kubelet.following == 1, within=15)
            # For as long as Redis does not answer, as on a machine that is too busy, each replica follows for itself.
            alone = any(status["degraded"] for status in here.of("status") + there.of("status"))
            assert kubelet.follows == 1 or alone
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
