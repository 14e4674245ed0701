"""What the proof of the real path takes for a figure that is met, and how it reads a browser's record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proofs import real_path
from proofs.loaded.visit import Load, Watch
from proofs.loaded.ways import PROXY, STRAIGHT, TAILNET
from proofs.real_path import READY, Told


def loads(**seconds: float) -> list[Told]:
    """A load of each app by each way."""
    return [Told(app, way, Load(seconds=value), {}) for app in READY for way, value in seconds.items()]


def test_the_path_is_met_within_its_bounds():
    assert real_path.judged(loads(**{STRAIGHT: 4.0, PROXY: 4.9, TAILNET: 7.9})).met
    assert not real_path.judged(loads(**{STRAIGHT: 4.0, PROXY: 5.1, TAILNET: 4.0})).met
    assert not real_path.judged(loads(**{STRAIGHT: 4.0, PROXY: 4.0, TAILNET: 8.1})).met


def test_a_way_that_was_not_gone_is_no_figure():
    assert not real_path.judged(loads(**{STRAIGHT: 4.0, PROXY: 4.0})).met
    assert not real_path.judged([]).met


class Session:
    """A session of the DevTools protocol that says what the test says."""

    def __init__(self) -> None:
        self.told: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.context = self

    def new_cdp_session(self, _: object) -> Session:
        return self

    def on(self, event: str, told: Callable[[dict[str, Any]], None]) -> None:
        self.told[event.removeprefix("Network.")] = told

    def send(self, _: str) -> None:
        """Nothing has to be switched on."""


@pytest.fixture
def session() -> Session:
    return Session()


def answer(url: str, status: int = 200, **more: Any) -> dict[str, Any]:
    timing = {"sendEnd": 10.0, "receiveHeadersEnd": 14.0, "connectStart": -1, "connectEnd": -1, **more}
    return {"url": url, "status": status, "encodedDataLength": 100, "timing": timing}


def test_redirects_bytes_waits_and_connections_are_counted(session: Session):
    load = Watch(session).load  # type: ignore[arg-type]  # as much of a page as a Watch needs
    told = session.told
    told["requestWillBeSent"]({"requestId": "1", "request": {"url": "http://a/"}})
    moved = answer("http://a/", 303, connectStart=1.0, connectEnd=3.0)
    told["requestWillBeSent"]({"requestId": "1", "request": {"url": "http://a/b"}, "redirectResponse": moved})
    told["responseReceived"]({"requestId": "1", "response": answer("http://a/b", receiveHeadersEnd=16.0)})
    told["loadingFinished"]({"requestId": "1", "encodedDataLength": 900})
    told["requestWillBeSent"]({"requestId": "2", "request": {"url": "data:image/png;base64,"}})
    told["loadingFinished"]({"requestId": "2", "encodedDataLength": 900})
    told["webSocketCreated"]({})
    assert (load.requests, load.redirects, load.sockets, load.received) == (2, 1, 1, 1000)
    assert load.waits == [pytest.approx(0.004), pytest.approx(0.006)]
    assert load.connecting == pytest.approx(0.002)
    assert not load.failed


def test_what_failed_is_told_and_what_the_page_gave_up_is_not(session: Session):
    load = Watch(session).load  # type: ignore[arg-type]  # as above
    told = session.told
    for number in ("1", "2", "3"):
        told["requestWillBeSent"]({"requestId": number, "request": {"url": f"http://a/{number}"}})
    told["responseReceived"]({"requestId": "1", "response": answer("http://a/1", 502)})
    told["loadingFailed"]({"requestId": "2", "errorText": "net::ERR_CONNECTION_RESET"})
    told["loadingFailed"]({"requestId": "3", "errorText": "net::ERR_ABORTED", "canceled": True})
    assert load.failed == ["502 http://a/1", "net::ERR_CONNECTION_RESET http://a/2"]
