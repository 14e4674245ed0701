"""Text of docs/api.md: examples as the application answers them, and tables from its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guildnet_api import routes
from guildnet_api.openapi import refusals
from guildnet_api.routes import Row
from support.played_api import PlayedApi, played_api

HEAD = """# The HTTP API

Everything that the UI does is done with this API, and every program may use it. `GET /api/openapi.json` is its whole
description in OpenAPI 3.1; this page is made from it, and its examples are real answers
(`pytest tests/unit/docs --update-golden`).

## Who asks

- On the **tailnet** the connection itself says who asks; nothing has to be sent, and a token would be ignored.
- Elsewhere a **bearer token** of the cluster does, made for this install; without `--audience` it is refused.
- A browser logs in once at `/login?token=…` and has a **session cookie** from then on.

<!-- run: nowhere, it names an install of yours -->
```sh
TOKEN=$(kubectl -n guildnet create token guildnet-admin --audience guildnet)
curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" https://guild.example.com/api/me
```

On the local cluster the token is `make token`, and the name has to be said: Python and curl do not resolve it by themselves.

```console
$ curl -sS -H "Authorization: Bearer $(make -s token)" -H 'Host: guildnet.localhost:8080' http://127.0.0.1:8080/api/servers
```

What a caller may do is decided by `Capability` objects (`GET /api/me` lists the `actions`); a workspace that it may not list is 404.

## By example
"""
RULES = """
## What holds everywhere

- **Errors** are `{code, message, request_id, details?}`: `code` is stable, `message` says what to do next, `details` names
  fields. The request id is in the header `X-Request-Id` too, and in the logs; one that you send is kept.
- **Bodies** are JSON with `Content-Type: application/json`, at most 1 MiB. An unknown field is an error that names it; an
  unknown parameter of a query is ignored.
- **Absent facts are absent keys**; null is only in a PATCH, where it takes a field away.
- **ETag**: `If-None-Match` on the list answers 304 while nothing has changed, `If-Match` on a PATCH 409 `stale` where
  somebody else was quicker.
- **503** carries `Retry-After`. `X-Guildnet-Stale: 12` says that the cluster has not confirmed the answer for 12 seconds.
- **`Idempotency-Key`** on a launch makes it safe to ask again after a time-out: the same key is the same launch.
- `POST /api/stop-all` **deletes** every workspace that the caller may stop; `?dryRun=true` lists them first.
- Streams (`/sse/logs`, `/sse/servers`) are described in [logs.md](logs.md).
"""
TAIL = """
## Codes of every operation
"""


@dataclass(frozen=True, slots=True)
class Example:
    """One request, what it shows, and what is said of it."""

    title: str
    method: str
    target: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


EXAMPLES = (
    Example("Who am I, and what may I do?", "GET", "/api/me"),
    Example("What does an image get when nothing is said?", "GET", "/api/image-defaults?image=tsl0922/ttyd"),
    Example(
        "Launch a workspace. Five characters are added to the name.", "POST", "/api/jobs",
        {"image": "acme/tool:1", "name": "My App", "env": {"MODE": "fast", "API_TOKEN": "secret"},
         "resources": {"cpu": "500m", "memory": "1Gi"}, "expose": [{"port": 3000}], "labels": {"team": "data"}},
        {"Idempotency-Key": "6f0c1b1e"},
    ),
    Example("The list, narrowed.", "GET", "/api/servers?q=my-app&status=pending,running"),
    Example("Change it: what is not sent stays, null takes away.", "PATCH", "/api/servers/{id}",
            {"env": {"MODE": None}, "resources": {"cpu": "1"}, "notes": "for the demo"}),
    Example("Stop it; `start` and `restart` are alike.", "POST", "/api/servers/{id}/stop"),
    Example("Its log, as a list.", "GET", "/api/servers/{id}/logs?limit=1&level=error"),
    Example("What is wrong is said by field.", "POST", "/api/jobs", {"image": "acme/tool", "expose": [{"port": 0}], "colour": 1}),
    Example("What does not exist.", "GET", "/api/servers/nobody"),
    Example("Which would be deleted?", "POST", "/api/stop-all?dryRun=true"),
    Example("Delete it.", "DELETE", "/api/servers/{id}"),
)  # fmt: skip


async def examples(directory: Path) -> str:
    """Every example with its answer, one after the other on one install."""
    api, shown, launched = played_api(directory), [], ""
    for example in EXAMPLES:
        if example.method == "GET" and "/logs" in example.target:
            api.pod(launched)
            api.cluster.lines = [b"2026-11-23T10:00:00.123456789Z ERROR out of tea"]
        shown.append(await _shown(api, example, example.target.replace("{id}", launched)))
        launched = launched or next(iter(ws.name for ws in api.services.watches.index.all()), "")
    return "\n".join(shown)


async def _shown(api: PlayedApi, example: Example, target: str) -> str:
    headers = {"X-Request-Id": "example-1", **example.headers}
    sent = {"json": example.body} if example.body is not None else {}
    answer = await api.ask(example.method, target, headers=headers, **sent)
    lines = [f"{example.method} {target}", *(f"{name}: {value}" for name, value in example.headers.items())]
    lines += [json.dumps(example.body, ensure_ascii=False)] if example.body is not None else []
    told = [f"{answer.status_code} {answer.reason_phrase}"]
    told += [f"{name}: {answer.headers[name]}" for name in ("Location", "ETag") if name in answer.headers]
    body = json.dumps(answer.json(), indent=1, ensure_ascii=False)
    return "\n".join([f"{example.title}\n", "```http", *lines, "```\n", "```http", *told, "", body, "```", ""])


def _codes(codes: refusals.Refusals) -> str:
    return ", ".join(f"{status} `{code}`" for status, by in codes.items() for code in by)


def _operations() -> Iterator[str]:
    yield "\n## Operations\n"
    yield "| operation | | answers | own refusals |"
    yield "| --- | --- | --- | --- |"
    for row in routes.ROWS:
        yield f"| `{row.method} {row.path}` | {row.summary} | {row.status} {_kind(row)} | {_codes(row.refusals)} |"


def _kind(row: Row) -> str:
    if row.response == "":
        return ""
    if isinstance(row.response, str):
        return f"`{row.response}`"
    return f"`[{row.response.__name__}]`" if row.many else f"`{row.response.__name__}`"


def _everywhere() -> Iterator[str]:
    yield TAIL
    yield "| status | code | meaning |"
    yield "| --- | --- | --- |"
    for status, codes in refusals.joined(refusals.EVERYWHERE, refusals.BODY).items():
        for code, meaning in codes.items():
            yield f"| {status} | `{code}` | {meaning} |"


async def page(directory: Path) -> str:
    """The whole page."""
    return "\n".join([HEAD + "\n" + await examples(directory) + RULES, *_operations(), *_everywhere()]) + "\n"
