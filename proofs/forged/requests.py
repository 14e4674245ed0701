"""The requests: every route of the api's table that changes something or streams, from whatever page. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from guildnet_api.routes import EVENT_STREAM, ROWS

JSON: Final = "application/json"
TEXT: Final = "text/plain"
VICTIM: Final = "victim"
"""The workspace that the requests are about."""
LABEL: Final = "sister-1a2b3c4d"
"""The host label of another workspace: the same site, another origin."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `own` marks those of the install's own page, which have to work."""

    case: str
    method: str
    target: str
    headers: Sequence[str] = ()
    body: bytes = b""
    host: str = ""
    own: bool = field(default=False, kw_only=True)


def origins(control: str) -> dict[str, str]:
    """Twelve values of Origin that are not the control origin's (`http://NAME:PORT`)."""
    name, _, port = control.removeprefix("http://").partition(":")
    return {
        "another site": "https://evil.example",
        "another site, plain": "http://evil.example",
        "a sandboxed or local page": "null",
        "a file": "file://",
        "a workspace's own origin": f"http://{LABEL}.{name}:{port}",
        "another scheme": f"https://{name}:{port}",
        "another port": f"http://{name}:{int(port) + 1}",
        "no port": f"http://{name}",
        "its name as a prefix": f"{control}.evil.example",
        "its name as a suffix": f"http://evil-{name}:{port}",
        "the address behind it": f"http://127.0.0.1:{port}",
        "a path behind it": f"{control}/",
    }


def routes(workspace: str) -> list[tuple[str, str, bytes]]:
    """(method, target, body) of every operation that changes something or streams, the proxy's logout among them."""
    bodies = {
        "/api/jobs": {"image": "example.com/forged:1"},
        "/api/servers/{id}": {"image": "example.com/forged:1"},
    }
    found = []
    for row in ROWS:
        if row.method == "GET" and row.response != EVENT_STREAM:
            continue
        body = json.dumps(bodies[row.path]).encode() if row.body is not None else b""
        query = f"?target={workspace}" if any(one.name == "target" for one in row.parameters) else ""
        found.append((row.method, row.path.replace("{id}", workspace) + query, body))
    return found


def forged(control: str) -> Iterator[Asked]:
    """Every request that may have no effect."""
    for method, target, body in routes(VICTIM):
        for source, origin in origins(control).items():
            for kind in (JSON, TEXT):
                yield Asked(f"from {source}, {kind}", method, target, _typed(body, kind, f"Origin: {origin}"), body)
        for site in ("cross-site", "same-site"):
            lines = _typed(body, JSON, f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")
            yield Asked(f"{site}, without Origin", method, target, lines, body)
        for host in _hosts(control):
            yield Asked(f"Host {host}", method, target, _typed(body, JSON), body, host)
        if body:
            own = f"Origin: {control}"
            yield Asked(f"own page, {TEXT}", method, target, _typed(body, TEXT, own), body)
            yield Asked(
                "a form without Origin", method, target, _typed(body, "application/x-www-form-urlencoded"), body
            )


def _hosts(control: str) -> Sequence[str]:
    """Names that a page can have resolved to the proxy's address (DNS rebinding)."""
    name, _, port = control.removeprefix("http://").partition(":")
    return (f"evil.example:{port}", "evil.example", f"127.0.0.1:{port}", f"{name}:{int(port) + 1}", f"evil.{name}.com")


def own(control: str) -> Iterator[Asked]:
    """The same of the install's own page, each on a workspace of its own."""
    for number, (method, target, body) in enumerate(routes(VICTIM)):
        if "stop-all" in target or target == "/logout":
            continue
        lines = _typed(body, JSON, f"Origin: {control}", "Sec-Fetch-Site: same-origin")
        yield Asked("own page", method, target.replace(VICTIM, f"own-{number}"), lines, body, own=True)


def _typed(body: bytes, kind: str, *lines: str) -> Sequence[str]:
    return (*lines, *((f"Content-Type: {kind}", f"Content-Length: {len(body)}") if body else ("Content-Length: 0",)))
