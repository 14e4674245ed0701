"""Bounds of live logs over real sockets: revoked rights, silent streams, readers that stall, follows without Redis."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from guildnet.kube.resources import CAPABILITIES
from guildnet_api.handlers import server_stream
from guildnet_api.http import event_stream, sse
from guildnet_api.logs import hub
from guildnet_api.logs.reader import merged, viewer
from support.waiting import eventually

from .conftest import ALICE, BOB, Api, Kubelet, Starter

REVOKED_SECONDS = 10.0
"""Who loses the right loses the stream within this: docs/logs.md."""


async def test_a_right_taken_away_ends_every_stream(any_api: Api, kubelet: Kubelet):
    kubelet.write("ws-1", "line")
    async with (
        any_api.stream("/sse/logs?target=ws") as one,
        any_api.stream("/sse/logs?target=ws&container=*") as every,
        any_api.stream("/sse/logs?target=ws&events=1") as told,
    ):
        await eventually(lambda: one.lines and every.lines and told.lines)
        body = {"metadata": {"name": "nobody"}, "spec": {"actions": ["list"]}}
        body |= {"apiVersion": "guildnet.io/v1alpha1", "kind": "Capability"}
        await any_api.kube.create(CAPABILITIES, any_api.namespace, body)
        await eventually(lambda: one.ended and every.ended and told.ended, within=REVOKED_SECONDS)
    assert (await any_api.ask("GET", "/sse/logs?target=ws")).status_code == 403


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings, and what wakes readers for them, come twenty times as often."""
    monkeypatch.setattr(sse, "PING_SECONDS", sse.PING_SECONDS / 20)
    for module in (hub, viewer, merged, server_stream):
        monkeypatch.setattr(module, "WAKE_SECONDS", module.WAKE_SECONDS / 20)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/sse/logs?target=ws", id="written to directly"),
        pytest.param("/sse/logs?target=ws&events=1", id="by its own task"),
        pytest.param("/sse/logs?target=ws&q=nothing", id="nothing passes its filter"),
        pytest.param("/sse/logs?target=ws&container=*", id="all containers"),
        pytest.param("/sse/logs?target=idle", id="nothing runs"),
        pytest.param("/sse/servers", id="the list"),
    ],
)
async def test_a_silent_stream_is_kept_open_by_pings(hurried: None, start_api: Starter, kubelet: Kubelet, target: str):
    api: Api = await start_api()
    await api.workspace("idle", owner="alice@example.com")
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line")
    async with api.stream(target) as events:
        await eventually(lambda: events.pings >= 3)
        assert not events.ended


# ---- readers that take nothing --------------------------------------------------------------------------------------


@contextmanager
def reader_of(api: Api, target: str) -> Iterator[socket.socket]:
    """A bare reader with little room, which takes only what it is told to."""
    head = "".join(f"{name}: {value}\r\n" for name, value in api.headers("GET", "/sse/logs").items())
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", int(api.url.rpartition(":")[2])))
        made.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        made.setblocking(False)
        yield made


async def rest(reader: socket.socket) -> bytes:
    """Everything it is sent until the end of the answer (RFC 9112, section 7.1: the last chunk)."""
    data = b""
    async with asyncio.timeout(20):
        while not data.endswith(b"\r\n0\r\n\r\n"):
            piece = await asyncio.get_running_loop().sock_recv(reader, 65536)
            assert piece, "cut off in the middle"
            data += piece
    return data


def cuts(api: Api, reason: str) -> float:
    return float(api.services.metrics.cut.labels(reason)._value.get())


async def test_a_reader_that_takes_nothing_is_cut_and_disturbs_nobody(start_api: Starter, kubelet: Kubelet):
    limit = 5.0
    api: Api = await start_api(slow_viewer_seconds=limit)
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line 0")
    with reader_of(api, "/sse/logs?target=ws"):
        async with api.as_(ALICE).stream("/sse/logs?target=ws") as healthy:
            await eventually(lambda: healthy.lines)
            number, delays = 0, []
            while not cuts(api, "stalled"):
                numbers = range(number + 1, number + 11)
                number, written = numbers[-1], time.monotonic()
                kubelet.write("ws-1", *(f"line {n} " + "x" * 8000 for n in numbers))
                # A burst has to be here before the next is written, and while the other still stalls.
                await eventually(lambda number=number: len(healthy.lines) == number + 1, within=20, every=0.01)
                delays.append(time.monotonic() - written)
            kubelet.write("ws-1", f"line {number + 1}")
            await eventually(lambda: len(healthy.lines) == number + 2)
    assert [int(message.split()[1]) for message in healthy.messages] == list(range(number + 2))
    assert healthy.of("gap") == healthy.of("cut") == []
    assert len(set(healthy.ids)) == len(healthy.ids)
    # Who waited for the stalled one would have waited for its cut.
    assert max(delays) < limit / 2, delays


async def test_a_reader_that_stalls_until_its_lines_are_gone_is_told_where_to_go_on(
    start_api: Starter, kubelet: Kubelet
):
    api: Api = await start_api(log_lines=100)
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line 0 ")
    with reader_of(api, "/sse/logs?target=ws") as stalled:
        async with api.stream("/sse/logs?target=ws") as healthy:
            number = 0
            while number < 1000:
                numbers = range(number + 1, number + 11)
                number = numbers[-1]
                kubelet.write("ws-1", *(f"line {n} " + "x" * 2000 for n in numbers))
                await eventually(lambda number=number: len(healthy.lines) == number + 1, every=0.01)
        assert not cuts(api, "stalled")
        data = await rest(stalled)
    assert cuts(api, "slow") == 1
    got = [int(found) for found in re.findall(rb'"msg":"line (\d+) ', data)]
    assert got == list(range(len(got)))
    assert 0 < len(got) < number - 100
    last = re.findall(rb'"lastEventId":"([^"]+)"', data)
    assert [last[0].decode()] == re.findall(r"id: (\S+)\n", data.decode())[-1:]
    async with api.stream("/sse/logs?target=ws", **{"Last-Event-ID": last[0].decode()}) as again:
        await eventually(lambda: again.messages and again.messages[-1].startswith(f"line {number} "))
        assert [gap["reason"] for gap in again.of("gap")] == ["expired"]


# ---- without Redis --------------------------------------------------------------------------------------------------


async def test_without_redis_so_many_logs_are_followed_and_the_next_waits_for_its_turn(
    start_api: Starter, kubelet: Kubelet
):
    api: Api = await start_api(log_direct_follows=1)
    for name in ("one", "two"):
        await api.workspace(name, owner="alice@example.com")
        await api.pod(name, f"{name}-1")
        kubelet.write(f"{name}-1", f"line of {name}")
    async with api.stream("/sse/logs?target=two&tail=0") as unrelated:
        await eventually(lambda: kubelet.follows == 1)
        assert unrelated.of("source")
        async with api.stream("/sse/logs?target=one") as waiting:
            await eventually(lambda: any("waits for its turn" in status["message"] for status in waiting.of("status")))
            kubelet.write("two-1", "goes on")
            await eventually(lambda: unrelated.messages == ["goes on"])
            assert waiting.lines == []
            assert {run.pod for run, _ in kubelet.opened} == {"two-1"}
            await unrelated.answer.aclose()
            await eventually(lambda: waiting.messages == ["line of one"])
            assert waiting.of("status")[-1]["message"] == ""


# ---- what one identity may take -------------------------------------------------------------------------------------


async def test_streams_beyond_the_limit_are_refused_and_a_place_is_given_back(start_api: Starter, kubelet: Kubelet):
    api: Api = await start_api(limit_streams=2, limit_searches=1)
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line")
    async with api.stream("/sse/logs?target=ws&q=line") as one:
        await eventually(lambda: one.messages == ["line"])
        refused = await api.ask("GET", "/sse/logs?target=ws&q=other")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["Retry-After"]) >= 1
        async with api.stream("/sse/servers"):
            assert (await api.ask("GET", "/sse/logs?target=ws")).status_code == 429
            assert (await api.as_(BOB).ask("HEAD", "/sse/servers")).status_code == 200
            async with api.as_(BOB).stream("/sse/logs?target=ws") as others:
                await eventually(lambda: others.messages == ["line"])
    await eventually(lambda: not api.services.limits._streams)


async def test_requests_beyond_the_limit_are_refused_and_each_answer_says_what_is_left(start_api: Starter):
    api: Api = await start_api(limit_request_rate=0.1, limit_request_burst=3)
    answers = [await api.ask("GET", "/api/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=3;w=30'
    assert answers[0].headers["RateLimit"].startswith('"requests";r=2;')
    assert int(answers[-1].headers["Retry-After"]) in range(1, 11)
    assert (await api.as_(BOB).ask("GET", "/api/me")).status_code == 200
    assert (await api.ask("GET", "/healthz")).status_code == 200


async def test_a_stream_that_is_over_is_gone_on_with_at_the_next_line(
    start_api: Starter, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(event_stream, "LIFE_SECONDS", (1.0, 1.0))
    monkeypatch.setattr(hub, "WAKE_SECONDS", 0.2)
    api: Api = await start_api()
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    kubelet.write("ws-1", "line 0")
    seen: list[str] = []
    last = ""
    for number in range(3):
        async with api.stream("/sse/logs?target=ws", **({"Last-Event-ID": last} if last else {})) as events:
            kubelet.write("ws-1", f"line {number + 1}")
            await eventually(lambda events=events: events.ended, within=10)
            assert events.retries[-1] == event_stream.SHUTDOWN_RETRY_MS
        seen += events.messages
        last = events.ids[-1]
    assert seen == [f"line {number}" for number in range(4)]
