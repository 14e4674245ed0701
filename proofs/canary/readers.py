"""Readers as browsers are: they come back with the last id they saw, and keep account of every line."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field

import httpx2

COUNT = re.compile(r"n=(\d+)$")
RETRY_SECONDS = 0.5


@dataclass
class Reader:
    """One reader of one workspace; lines are numbered from 1."""

    workspace: str
    numbers: set[int] = field(default_factory=set)
    last: int = 0
    duplicates: int = 0
    disorder: int = 0
    gaps: int = 0
    unannounced: int = 0
    opened: int = 0
    last_id: str = ""
    connected: bool = False
    """Whether a stream is open that has brought something."""
    _told: bool = False

    def line(self, text: str) -> None:
        found = COUNT.search(text)
        if found is None:
            return
        number = int(found[1])
        if number in self.numbers:
            self.duplicates += 1
            return
        if number < self.last:
            self.disorder += 1
        elif number > self.last + 1 and not self._told:
            self.unannounced += 1
        self._told = False
        self.numbers.add(number)
        self.last = max(self.last, number)

    def gap(self) -> None:
        self.gaps += 1
        self._told = True

    def missing(self, until: int) -> int:
        return until - len(self.numbers)


async def read(reader: Reader, client: httpx2.AsyncClient, until: int) -> None:
    """Until the line `until` is there; an end of the stream or an error is a reason to come back."""
    while reader.last < until:
        reader.opened += 1
        try:
            await _once(reader, client, until)
        except httpx2.HTTPError:
            pass
        finally:
            reader.connected = False
        await asyncio.sleep(RETRY_SECONDS)


async def _once(reader: Reader, client: httpx2.AsyncClient, until: int) -> None:
    headers = {"Last-Event-ID": reader.last_id} if reader.last_id else {}
    query = {"target": reader.workspace, "tail": "5000"}
    async with client.stream("GET", "/sse/logs", params=query, headers=headers) as answer:
        if answer.status_code != 200:
            return
        event: dict[str, str] = {}
        async for text in answer.aiter_lines():
            if text:
                name, _, value = text.partition(": ")
                event[name] = value
                continue
            _take(reader, event)
            reader.connected, event = True, {}
            if reader.last >= until:
                return


def _take(reader: Reader, event: dict[str, str]) -> None:
    if "id" in event:
        reader.last_id = event["id"]
    if event.get("event") == "gap":
        reader.gap()
    elif "data" in event and "event" not in event:
        reader.line(json.loads(event["data"])["msg"])
