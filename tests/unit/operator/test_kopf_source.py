"""kopf dies of an outage now and then: it is started again, and the operator around it never notices."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import kopf
import pytest
from yarl import URL

from guildnet_operator.watch import kopf_login, kopf_source
from guildnet_operator.watch.kopf_login import Login, Requests
from guildnet_operator.watch.kopf_source import Backoffs, KopfSource
from support.waiting import eventually


def test_the_pauses_between_attempts_grow_to_a_cap_and_never_end():
    pauses = list(itertools.islice(iter(Backoffs()), 1000))
    assert pauses[:5] == sorted(pauses[:5])
    assert set(pauses[5:]) == {kopf_source.MAX_BACKOFF_SECONDS}


def test_kopf_is_told_to_list_nothing_of_the_cluster_and_to_write_nothing():
    settings = kopf_source.settings()
    assert settings.scanning.disabled
    assert settings.peering.standalone
    assert not settings.posting.enabled


class Sink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str | None, Any]] = []
        self.watches: list[bool] = []
        self.failures: list[str] = []
        self.ends = 0

    def event(self, kind: str | None, obj: Any) -> None:
        self.events.append((kind, obj))

    def watching(self, *, listed: bool) -> None:
        self.watches.append(listed)

    def failed(self, message: str) -> None:
        self.failures.append(message)

    def ended(self) -> None:
        self.ends += 1


async def test_it_is_started_again_when_it_dies_and_our_tasks_live_on(monkeypatch: pytest.MonkeyPatch):
    starts: list[Any] = []

    async def operator(**arguments: Any) -> None:
        starts.append(arguments)
        if len(starts) < 3:
            raise RuntimeError("410 at connect")
        await arguments["stop_flag"].wait()

    monkeypatch.setattr(kopf, "operator", operator)
    monkeypatch.setattr(kopf_source, "RESTART_SECONDS", (0.001,))
    sink = Sink()
    bystander = asyncio.create_task(asyncio.Event().wait())
    task = asyncio.create_task(KopfSource("ns", None, sink).run())
    await eventually(lambda: len(starts) == 3)
    assert starts[-1]["namespaces"] == ["ns"]
    assert sink.ends == 2, "each end is told: what comes meanwhile has to be listed"
    assert not bystander.done()
    task.cancel()
    bystander.cancel()
    await asyncio.gather(task, bystander, return_exceptions=True)
    assert task.cancelled()


async def test_a_session_that_is_ended_on_purpose_is_followed_by_another(monkeypatch: pytest.MonkeyPatch):
    async def operator(**arguments: Any) -> None:
        await arguments["stop_flag"].wait()

    monkeypatch.setattr(kopf, "operator", operator)
    monkeypatch.setattr(kopf_source, "RESTART_SECONDS", (0.001,))
    source = KopfSource("ns", None, Sink())
    task = asyncio.create_task(source.run())
    await eventually(lambda: source.sessions == 1)
    source.restart()
    await eventually(lambda: source.sessions == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Answered:
    """What aiohttp tells a trace of an answer."""

    def __init__(self, path: str, status: int = 200) -> None:
        self.url, self.method, self.response = URL(f"https://api{path}"), "GET", SimpleNamespace(status=status)


async def test_its_requests_say_when_it_watches_and_whether_it_listed_before():
    sink, workspaces = Sink(), "/apis/guildnet.io/v1alpha1/namespaces/ns/workspaces"
    ended: Any = Requests(sink, lambda callback: callback()).trace().on_request_end[0]  # called as aiohttp does
    for path in ("/apis", f"{workspaces}?limit=500", f"{workspaces}?watch=true", f"{workspaces}?watch=true"):
        await ended(None, None, Answered(path))
    assert sink.watches == [True, False]
    await ended(None, None, Answered(f"{workspaces}?limit=500", 503))
    assert sink.failures == [f"GET {workspaces}: the API server answered 503"]
    assert sink.watches == [True, False]


async def test_credentials_that_were_refused_are_not_tried_again_at_once(monkeypatch: pytest.MonkeyPatch):
    given = itertools.chain(kopf.ConnectionInfo(server="https://api", token=token) for token in ("a", "b", "b"))

    async def connection(_: str | None) -> kopf.ConnectionInfo:
        return next(given)

    monkeypatch.setattr(kopf_login, "connection", connection)
    login = Login(None, Requests(Sink(), lambda callback: callback()))
    try:
        assert (await login()).aiohttp_session.headers["Authorization"] == "Bearer a"
        assert (await login()).aiohttp_session.headers["Authorization"] == "Bearer b", "a rotated token"
        with pytest.raises(kopf.PermanentError):
            await login()
    finally:
        await login.close()
