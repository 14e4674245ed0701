"""The built web interface in front of a played API: what a browser test needs of the product, without a cluster.

It serves `ui/dist` with the product's own headers, answers a few paths from values that a test changes, and sends the
event streams. It can fail an answer, forget the session, and fall silent as a network that was cut does.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import mimetypes
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from guildnet.web.entries import Entry
from guildnet.web.security_headers import headers
from support.local import ROOT

Json = dict[str, Any]
UI = ROOT / "ui"
DIST = UI / "dist"
_SESSION_FREE = ("/assets/", "/icon.svg", "/login", "/api/ui-config", "/readyz")
_HOME = Entry("local", "http://localhost:1", "host")


def build() -> Path:
    """The built interface, made anew where a source is newer. Raises CalledProcessError."""
    npm = [sys.executable, "-m", "guildnet_local.images", "npm"]
    page, modules = DIST / "index.html", UI / "node_modules"
    around = [path for path in UI.iterdir() if path.is_file()]
    sources = [*(UI / "src").rglob("*.*"), *(UI / "public").iterdir(), *around]
    # Workers of one run come here at the same time.
    with (UI / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not modules.exists():
            subprocess.run([*npm, "ci", "--no-progress"], cwd=UI, check=True, capture_output=True)
        if not page.exists() or page.stat().st_mtime < max(path.stat().st_mtime for path in sources):
            subprocess.run([*npm, "run", "build"], cwd=UI, check=True, capture_output=True)
    return DIST


@dataclass
class Played:
    """What the played install is and has been asked; a test changes and reads it from its own thread."""

    servers: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """Status and body by `METHOD /path`, before everything else; the query is not looked at."""
    log: dict[str, list[Json]] = field(default_factory=dict)
    """Lines by workspace; one with the key `event` is a named event with the rest of its keys."""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, target and JSON body of everything asked below /api, in order."""
    signed_in: bool = True
    directory: Path = DIST
    """Where the built interface is."""
    silent: threading.Event = field(default_factory=threading.Event)
    """While set, streams send nothing and new requests get no answer: the network swallows them."""
    ping_seconds: float = 15.0
    streams: int = 0
    """Streams that are open now."""
    _listeners: list[queue.Queue[tuple[str, Json]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, server: Json) -> None:
        """The workspace is there, or has changed."""
        self.servers[server["id"]] = server
        self._tell("server", server)

    def gone(self, name: str) -> None:
        self.servers.pop(name, None)
        self._tell("gone", {"id": name})

    def stale(self, seconds: int) -> None:
        self._tell("stale", {"seconds": seconds})

    def drop_streams(self) -> None:
        """Every stream ends, as when the api is replaced."""
        self._tell("end of stream", {})

    def write(self, name: str, *lines: Json) -> None:
        """Lines of a workspace's log, also to whoever follows it."""
        kept = self.log.setdefault(name, [])
        for line in lines:
            kept.append(line)
            self._tell(f"log {name}", {"id": len(kept), "line": line})

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests for this path."""
        return [body for verb, target, body in self.requests if (verb, urlsplit(target).path) == (method, path)]

    def listen(self) -> queue.Queue[tuple[str, Json]]:
        listener: queue.Queue[tuple[str, Json]] = queue.Queue()
        with self._lock:
            self._listeners.append(listener)
            self.streams += 1
        return listener

    def leave(self, listener: queue.Queue[tuple[str, Json]]) -> None:
        with self._lock:
            self._listeners.remove(listener)
            self.streams -= 1

    def _tell(self, name: str, data: Json) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.put((name, data))

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What the API says: what the test wants, else what it does."""
        if (told := self.answers.get(f"{method} {path}")) is not None:
            return told
        parts = path.removeprefix("/api/servers/").split("/")
        if path == "/api/servers":
            return 200, list(self.servers.values())
        if path.startswith("/api/servers/") and parts[0] in self.servers:
            return self._of_server(method, parts)
        if (method, path) == ("POST", "/api/jobs"):
            return 202, self._launched(body)
        return 404, {"code": "not_found", "message": f"There is no {path}."}

    def _of_server(self, method: str, parts: list[str]) -> tuple[int, Any]:
        server = self.servers[parts[0]]
        match (method, parts[1:]):
            case ("GET", []):
                return 200, server
            case ("GET", ["events"]):
                return 200, server.get("events", [])
            case ("GET", ["logs"]):
                return 200, self.log.get(parts[0], [])
            case ("DELETE", []):
                self.gone(parts[0])
                return 200, {"deleted": parts[0]}
            case ("POST", [verb]) if verb in ("stop", "start", "restart"):
                changed = {**server, "status": "stopped" if verb == "stop" else "pending"}
                self.put(changed)
                return 202, changed
        return 405, {"code": "method", "message": "not played"}

    def _launched(self, body: Json) -> Json:
        base = body.get("name") or body["image"].rsplit("/", 1)[-1].partition(":")[0]
        name = f"{base}-7c3f9"
        self.put({"id": name, "name": name, "image": body["image"], "status": "pending",
                  "owner": "ada@example.com", "proxy_url": f"/proxy/server/{name}/"})  # fmt: skip
        return {"id": name, "status": "pending"}


def _log_frame(identifier: int, line: Json) -> bytes:
    name = f"event: {line['event']}\n" if "event" in line else ""
    data = {key: value for key, value in line.items() if key != "event"}
    return f"{name}id: {identifier}\ndata: {json.dumps(data)}\n\n".encode()


class _Handler(BaseHTTPRequestHandler):
    """Connections are kept, as HTTP/1.1 browsers do: six at most to one origin."""

    protocol_version = "HTTP/1.1"
    played: ClassVar[Played]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PATCH(self) -> None:
        self._handle("PATCH")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        path, played = urlsplit(self.path).path, self.played
        while played.silent.is_set():
            time.sleep(0.05)
        if path.startswith(("/api/", "/readyz")):
            body = json.loads(raw) if raw else None
            played.requests.append((method, self.path, body))
        if not played.signed_in and not path.startswith(_SESSION_FREE):
            return self._json(401, {"code": "unauthenticated", "message": "Log in first: open /login."})
        if path.startswith("/sse/") and "event-stream" not in self.headers.get("Accept", ""):
            status, value = played.answers.get(f"GET {path}", (200, {"stream": True}))
            return self._json(status, value)
        if path.startswith("/sse/") and f"GET {path}" in played.answers:
            return self._json(*played.answers[f"GET {path}"])
        if path.startswith("/sse/"):
            return self._stream(path)
        if path.startswith(("/api/", "/readyz")):
            return self._json(*played.answer(method, path, body))
        if path == "/login":
            return self._send(200, "text/html", b"<!doctype html><title>Login</title><h1>Log in</h1>")
        return self._file(path)

    def _json(self, status: int, value: Any) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _file(self, path: str) -> None:
        file = self.played.directory / path.lstrip("/")
        found = file if path != "/" and file.is_file() else self.played.directory / "index.html"
        self._send(200, mimetypes.guess_type(found.name)[0] or "text/plain", found.read_bytes())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        packed = gzip.compress(body, 1) if kind != "application/json" else body
        for name, value in headers(_HOME):
            self.send_header(name.decode(), value.decode())
        self.send_header("Content-Type", kind)
        if packed is not body:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def _stream(self, path: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        listener = self.played.listen()
        try:
            self._event("retry", None)
            if path == "/sse/servers":
                self._follow(listener, self._list())
            else:
                self._follow_log(listener)
        except OSError:
            pass  # the browser has left
        finally:
            self.played.leave(listener)

    def _list(self) -> Iterator[tuple[str, Json]]:
        servers = list(self.played.servers.values())
        yield from (("server", server) for server in servers)
        yield "synced", {"full": True, "ids": [server["id"] for server in servers]}

    def _follow(self, listener: queue.Queue[tuple[str, Json]], first: Iterator[tuple[str, Json]]) -> None:
        for name, data in first:
            self._event(name, data)
        for name, data in self._heard(listener):
            if not name.startswith("log "):
                self._event(name, data)

    def _follow_log(self, listener: queue.Queue[tuple[str, Json]]) -> None:
        """The tail, or what comes after the last id, and then every line."""
        query = parse_qs(urlsplit(self.path).query)
        target, tail = query.get("target", [""])[0], int(query.get("tail", ["200"])[0])
        lines = list(self.played.log.get(target, []))
        last = self.headers.get("Last-Event-ID") or query.get("lastEventId", [""])[-1]
        at = int(last) if last else max(0, len(lines) - tail)
        self.wfile.write(b"".join(map(_log_frame, range(at + 1, len(lines) + 1), lines[at:])))
        at = len(lines)
        for name, data in self._heard(listener):
            if name == f"log {target}" and data["id"] > at:
                self.wfile.write(_log_frame(data["id"], data["line"]))
            elif name == "ping":
                self._event(name, data)

    def _heard(self, listener: queue.Queue[tuple[str, Json]]) -> Iterator[tuple[str, Json]]:
        """What is told, and a ping after a while without; nothing while the network swallows everything."""
        said = time.monotonic()
        while True:
            try:
                name, data = listener.get(timeout=0.1)
            except queue.Empty:
                if time.monotonic() - said < self.played.ping_seconds:
                    continue
                name, data = "ping", {}
            if name == "end of stream":
                return
            said = time.monotonic()
            if not self.played.silent.is_set():
                yield name, data

    def _event(self, name: str, data: Mapping[str, Any] | None) -> None:
        text = (
            "retry: 300\n\n" if data is None else (f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n"
        )
        self.wfile.write(text.encode())
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves in the midst of an answer is no fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(played: Played, port: int = 0) -> Iterator[str]:
    """The origin that the played install is served at, on this host only."""
    handler = type("Handler", (_Handler,), {"played": played})
    server = _Server(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
