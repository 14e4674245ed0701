"""What a client reads of an event stream."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from support.openapi import contract


class Events:
    """What an event stream sent: `data` of unnamed events, named ones as (name, data), the ids, pings and retries."""

    def __init__(self, answer: httpx2.Response, path: str = "") -> None:
        """`path` is that of the stream: its events are compared with the document."""
        self._path = path
        self.answer = answer
        self.lines: list[dict[str, Any]] = []
        self.named: list[tuple[str, dict[str, Any]]] = []
        self.ids: list[str] = []
        self.retries: list[int] = []
        self.pings = 0
        self.ended = False

    async def read(self) -> None:
        event: dict[str, str] = {}
        async for line in self.answer.aiter_lines():
            if line.startswith(":"):
                self.pings += 1
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                self._take(event)
                event = {}
        self.ended = True

    def _take(self, event: dict[str, str]) -> None:
        if "id" in event:
            self.ids.append(event["id"])
        if "retry" in event:
            self.retries.append(int(event["retry"]))
        if "data" in event:
            data = json.loads(event["data"])
            complaint = (
                contract().event_complaint(self._path, event.get("event", "message"), data) if self._path else ""
            )
            assert not complaint, (event, complaint)
            if event.get("event") == "ping":
                return  # counted by its comment
            if "event" in event:
                self.named.append((event["event"], data))
            else:
                self.lines.append(data)

    @property
    def messages(self) -> list[str]:
        return [line["msg"] for line in self.lines]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for given, data in self.named if given == name]
