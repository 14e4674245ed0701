"""Redis is killed again and again under 2,000 requests to the real cluster, and none of them notices.

Half of the requests read logs, which are what Redis is for: as a list, and as a stream of the tail. A stream counts as
answered when it told the line that the workspace wrote, and its end.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from proofs import Figure
from proofs.canary import faults
from support.local import Local, bring_up, workspace
from support.waiting import until

REQUESTS = 2000
QUICK_REQUESTS = 400
AT_ONCE = 4
KILLS = 5
QUICK_KILLS = 2
A_SECOND = 50.0
"""Requests a second, at most: an install refuses more than 100 of one caller in the long run."""
SECONDS_BETWEEN_KILLS = 6.0
MAX_SECONDS = 300.0
NAME = "proof-redis-outage"
WRITTEN = "a line of proof-redis-outage"
SHELL = "guildnet/busybox:0.1.0"


@dataclass(slots=True)
class Load:
    """Requests by several threads, until there were enough and Redis was killed as often as it is to be."""

    local: Local
    wanted: int
    kills: int
    sent: int = 0
    killed: int = 0
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    deadline: float = field(default_factory=lambda: time.monotonic() + MAX_SECONDS)

    @property
    def over(self) -> bool:
        return time.monotonic() > self.deadline or (self.sent >= self.wanted and self.killed >= self.kills)

    def ask(self) -> None:
        with self.local.api() as api:
            for request in itertools.cycle(REQUESTS_IN_TURN):
                if self.over:
                    return
                try:
                    complaint = request(api)
                except httpx2.HTTPError as error:
                    complaint = f"{type(error).__name__} {error}"
                with self.lock:
                    self.sent += 1
                    if complaint:
                        self.failed.append(complaint)
                time.sleep(AT_ONCE / A_SECOND)

    def kill(self) -> None:
        while self.killed < self.kills and not self.over:
            time.sleep(SECONDS_BETWEEN_KILLS)
            hit = faults.kill(self.local, "valkey")
            with self.lock:
                self.killed += hit


def _status(method: str, path: str, status: int) -> Callable[[httpx2.Client], str]:
    def ask(api: httpx2.Client) -> str:
        answer = api.request(method, path)
        return "" if answer.status_code == status else f"{method} {path}: {answer.status_code} {answer.text[:200]}"

    return ask


def _lines(api: httpx2.Client) -> str:
    answer = api.get(f"/api/servers/{NAME}/logs")
    told = answer.status_code == 200 and WRITTEN in answer.text
    return "" if told else f"logs as a list: {answer.status_code} {answer.text[:200]}"


def _tail(api: httpx2.Client) -> str:
    answer = api.get("/sse/logs", params={"target": NAME, "follow": "false"})
    told = answer.status_code == 200 and WRITTEN in answer.text and "event: end" in answer.text
    return "" if told else f"the tail as a stream: {answer.status_code} {answer.text[-300:]}"


REQUESTS_IN_TURN = (
    _status("GET", "/api/servers", 200),
    _lines,
    _status("GET", f"/api/servers/{NAME}", 200),
    _tail,
    _status("POST", f"/api/servers/{NAME}/start", 202),
    _lines,
    _status("GET", "/readyz", 200),
    _tail,
)


@contextmanager
def _workspace(local: Local) -> Iterator[None]:
    command = ["sh", "-c", f"echo {WRITTEN}; exec sleep 3600"]
    local.apply(workspace(NAME, SHELL, command=command, probe={"type": "none"}))
    try:
        local.wait_ready(NAME)
        with local.api() as api:
            until(lambda: not _lines(api), "its line is read")
        yield
    finally:
        local.delete_workspace(NAME)


def prove(*, quick: bool = False) -> Figure:
    bring_up()
    local = Local()
    load = Load(local, QUICK_REQUESTS if quick else REQUESTS, QUICK_KILLS if quick else KILLS)
    with _workspace(local), ThreadPoolExecutor(AT_ONCE + 1) as threads:
        running = [threads.submit(load.kill), *(threads.submit(load.ask) for _ in range(AT_ONCE))]
        for one in running:
            one.result()
    for text in load.failed[:10]:
        print(f"  {text}")
    text = f"{load.sent} requests, Redis killed {load.killed} times, {len(load.failed)} failed"
    return Figure(text, load.sent >= load.wanted and load.killed >= load.kills and not load.failed)
