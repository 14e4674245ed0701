"""Asking a running api, one request after the other, and comparing what it answers with its document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from proofs.fuzzing.cases import Wish, harmless
from support.openapi import Contract

EVENT_STREAM = "text/event-stream"
MAX_STREAM_BYTES = 1024 * 1024
Headers = Callable[[str, str], Mapping[str, str]]
"""What says who asks, for a method and a path."""


@dataclass(slots=True)
class Fuzz:
    """The requests so far. `faults` are texts of answers of 5xx, `outside` those of answers outside the document."""

    client: httpx2.Client
    contract: Contract
    server: str
    headers: Headers = lambda _method, _path: {}
    passing_token: Callable[[], str] = str
    """A bearer token to log out with: that ends it, and the client's own is needed for the next request."""
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def ask(self, wish: Wish) -> None:
        wish = harmless(wish, self.server)
        answer = self._sent(wish)
        if answer is not None and wish.path == "/api/jobs" and answer.status_code == 202:
            # An install has room for some workspaces, not for hundreds.
            self._sent(Wish("DELETE", f"/api/servers/{answer.json()['id']}"))

    def _sent(self, wish: Wish) -> httpx2.Response | None:
        self.requests += 1
        try:
            with self.client.stream(wish.method, wish.target, **self._options(wish)) as answer:
                complaint = self._read(wish, answer)
        except httpx2.HTTPError as error:
            self.faults.append(f"{_shown(wish)}: {type(error).__name__} {error}")
            return None
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500:
            self.faults.append(f"{_shown(wish)}: {answer.status_code} {answer.text[:300]}")
        if complaint:
            self.outside.append(f"{_shown(wish)}: {answer.status_code} {complaint}")
        return answer

    def _options(self, wish: Wish) -> dict[str, Any]:
        said = [(name.encode(), value.encode("utf-8", "replace")) for name, value in wish.headers.items()]
        who = [(name.encode(), value.encode()) for name, value in self.headers(wish.method, wish.path).items()]
        if wish.path == "/logout" and (token := self.passing_token()):
            said = [(b"Authorization", f"Bearer {token}".encode()), *said]
        if wish.body is None:
            return {"headers": [*said, *who]}
        content = wish.body if isinstance(wish.body, bytes) else json.dumps(wish.body).encode()
        return {"headers": [*said, *who, (b"Content-Type", b"application/json")], "content": content}

    def _read(self, wish: Wish, answer: httpx2.Response) -> str:
        """What is wrong with the answer, which is read, but of a stream of changes only what there is at first."""
        if not answer.headers.get("content-type", "").startswith(EVENT_STREAM):
            answer.read()
            return self.contract.complaint(wish.method, wish.path, answer)
        seen = b""
        for chunk in answer.iter_raw():
            seen += chunk
            if b"event: synced" in seen or len(seen) > MAX_STREAM_BYTES:
                break
        problems = (self._event_complaint(wish.path, frame) for frame in seen.split(b"\n\n")[:-1])
        return self.contract.complaint(wish.method, wish.path, answer) or next(filter(None, problems), "")

    def _event_complaint(self, path: str, frame: bytes) -> str:
        fields = dict(line.partition(b": ")[::2] for line in frame.split(b"\n") if not line.startswith(b":"))
        if b"data" not in fields:
            return ""
        name = fields.get(b"event", b"message").decode()
        return self.contract.event_complaint(path, name, json.loads(fields[b"data"]))


def _shown(wish: Wish) -> str:
    return f"{wish.method} {wish.target[:200]} {json.dumps(wish.body, default=repr)[:200]}"
