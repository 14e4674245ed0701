"""One load of an app's page in a browser with empty caches, told by the browser's own record of the network.

Sizes and times are those of the DevTools protocol's Network domain: bytes as they came, heads included; times from the
browser's clock. What another process than the page's own asks for (a frame of another site, a worker) is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from playwright.sync_api import Page

WAIT_MS: Final = 60_000


@dataclass(slots=True)
class Load:
    """What one load took: seconds, and bytes as they came. A wait: from a request's last byte to its answer's head."""

    seconds: float = 0.0
    first: float = 0.0
    """Until the head of the app's document was there, redirects and logging in at its origin included."""
    requests: int = 0
    redirects: int = 0
    sockets: int = 0
    received: int = 0
    connecting: float = 0.0
    """The sum of what connections took to stand, TLS included."""
    waits: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def wait(self) -> float:
        """The median of the waits."""
        return median(self.waits) if self.waits else 0.0


class Watch:
    """Fills a `Load` with what the page's browser tells of the network."""

    def __init__(self, page: Page) -> None:
        self.load = Load()
        self._urls: dict[str, str] = {}
        self._session = page.context.new_cdp_session(page)
        for event, told in (
            ("requestWillBeSent", self._sent),
            ("responseReceived", self._answered),
            ("loadingFinished", self._finished),
            ("loadingFailed", self._broken),
            ("webSocketCreated", self._socket),
        ):
            self._session.on(f"Network.{event}", told)
        self._session.send("Network.enable")

    def _sent(self, told: dict[str, Any]) -> None:
        if told["request"]["url"].startswith(("data:", "blob:")):
            return
        self.load.requests += 1
        self._urls[told["requestId"]] = told["request"]["url"]
        if redirect := told.get("redirectResponse"):
            self.load.redirects += 1
            self.load.received += int(redirect["encodedDataLength"])
            self._timed(redirect)

    def _answered(self, told: dict[str, Any]) -> None:
        if told["requestId"] not in self._urls:
            return
        answer = told["response"]
        if answer["status"] >= 500:
            self.load.failed.append(f"{answer['status']} {answer['url']}")
        self._timed(answer)

    def _timed(self, answer: dict[str, Any]) -> None:
        timing = answer.get("timing")
        if not timing or answer.get("fromDiskCache"):
            return
        self.load.waits.append((timing["receiveHeadersEnd"] - timing["sendEnd"]) / 1e3)
        if timing["connectStart"] >= 0:
            self.load.connecting += (timing["connectEnd"] - timing["connectStart"]) / 1e3

    def _finished(self, told: dict[str, Any]) -> None:
        if told["requestId"] in self._urls:
            self.load.received += int(told["encodedDataLength"])

    def _broken(self, told: dict[str, Any]) -> None:
        # The page gives requests up itself, as when it moves on.
        if not told.get("canceled") and (url := self._urls.get(told["requestId"])):
            self.load.failed.append(f"{told['errorText']} {url}")

    def _socket(self, _: dict[str, Any]) -> None:
        self.load.sockets += 1


def loaded(page: Page, url: str, ready: Callable[[Page], None]) -> Load:
    """From the address to the moment at which `ready` returns: the app takes what a person does.

    Raises AssertionError for a request that failed, or an answer of 500 and above.
    """
    watch = Watch(page)
    began = time.monotonic()
    page.goto(url, wait_until="commit", timeout=WAIT_MS)
    watch.load.first = time.monotonic() - began
    ready(page)
    watch.load.seconds = time.monotonic() - began
    assert not watch.load.failed, watch.load.failed
    return watch.load
