"""A whole front door over real sockets: real upstream servers behind it, a Table filled by hand."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from guildnet.errors import Invalid, Unreachable
from guildnet.identity import HEADER, Identity, verify
from guildnet.names import origin_label
from guildnet.web.entries import Entry
from guildnet.workspace import Workspace, parse
from guildnet_proxy.access_log import Records
from guildnet_proxy.app import door_of
from guildnet_proxy.auth.authenticate import Authenticator
from guildnet_proxy.auth.sessions import Sessions
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.cluster.index import Endpoint, Index, Slice
from guildnet_proxy.cluster.own_addresses import OwnAddresses
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.server import Server
from guildnet_proxy.revocation import Revocation, still_allowed
from guildnet_proxy.settings import Settings
from guildnet_proxy.sites import Sites
from guildnet_proxy.tailnet.localapi import Peer
from support.process import free_port

KEY = b"k" * 40
LOOPBACK = ("127.0.0.0/8",)
"""Where the pods of these tests are."""


def jwt(name: str, audience: str = "guildnet") -> str:
    """Something that looks like a token for `audience`; the room's reviewer believes those it was told about."""
    parts = [{"alg": "none"}, {"aud": [audience], "sub": name}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2ln"])


def workspace_object(name: str, number: int, **more: Any) -> Workspace:
    spec = {
        "image": "test",
        "ports": [{"containerPort": more.get("port", 8080), "pathMode": more.get("mode", "Strip")}],
    }
    spec |= more.get("spec", {})
    status = {
        "phase": "Running",
        "serviceUID": f"service-{name}",
        "origin": {"port": 20000 + number, "host": origin_label(name, f"{number:08d}-uid")},
    }
    status |= more.get("status", {})
    return parse(
        {
            "metadata": {
                "name": name,
                "namespace": "guildnet-workspaces",
                "uid": f"{number:08d}-uid",
                "labels": more.get("labels", {}),
                "annotations": more.get("annotations", {}),
            },
            "spec": spec,
            "status": status,
        }
    )


@dataclass
class Answer:
    """A parsed answer of a raw exchange."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def one(self, name: str) -> str:
        values = self.headers.get(name.lower(), [])
        assert len(values) == 1, (name, values)
        return values[0]


@dataclass
class Room:
    server: Server[Record]
    table: Index
    sessions: Sessions
    sources: Authenticator
    entries: Sites
    port: int
    socket: Path
    upstream_port: int
    records: Records
    log: list[str]
    own: OwnAddresses
    peers: dict[str, Peer] = field(default_factory=dict)
    tokens: dict[str, TokenReview] = field(default_factory=dict)
    reviews: list[str] = field(default_factory=list)
    revocation: Revocation | None = None
    api_seen: list[web.Request] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"guildnet.localhost:{self.port}"

    def own_host(self, name: str, port: int | None = None) -> str:
        return f"{origin_label(name, self.table.workspaces[name].uid, port)}.{self.host}"

    def identity(self, login: str = "ann", roles: tuple[str, ...] = ("admin",)) -> Identity:
        return Identity("token", login, login, (), roles, "bearer", self.entries.all()[-1])

    def cookie(self, login: str = "ann", roles: tuple[str, ...] = ("admin",)) -> str:
        """A control-origin session."""
        entry = next(entry for entry in self.entries.all() if entry.name == "local")
        return f"{self.sessions.names.session}={self.sessions.issue(self.identity(login, roles), entry, time.time())}"

    def bearer(self, login: str = "system:serviceaccount:guildnet:guildnet-admin") -> str:
        """A program's token; that of the install's admin, or of somebody without a role."""
        token = jwt(login)
        self.tokens[token] = TokenReview(authenticated=True, username=login)
        return f"Authorization: Bearer {token}"

    def own_cookie(self, name: str, login: str = "ann", roles: tuple[str, ...] = ("admin",)) -> str:
        """A workspace-origin session."""
        from guildnet_proxy.auth.sessions import Session

        session = Session(self.identity(login, roles), time.time() + 600)
        uid = self.table.workspaces[name].uid
        return f"{self.sessions.names.workspace}={self.sessions.issue_workspace(session, uid)}"

    def add(self, name: str, *, upstream_port: int | None = None, number: int = 1, **more: Any) -> Workspace:
        """A workspace whose pod is the test's own server."""
        port = upstream_port or self.upstream_port
        workspace = workspace_object(name, number, port=port, **more)
        self.table.put_workspace(workspace)
        endpoints = (Endpoint("127.0.0.1", port, more.get("port_name", "http"), more.get("ready", True)),)
        self.table.put_slice(Slice(f"{name}-slice", f"service-{name}", endpoints))
        return workspace

    async def read(self, reader: asyncio.StreamReader, method: str = "GET") -> Answer:
        return await read_answer(reader, method)

    async def connect(self, *, private: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if private:
            return await asyncio.open_unix_connection(str(self.socket), limit=2**20)
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)

    async def raw(self, data: bytes, *, private: bool = False) -> bytes:
        """Everything the proxy says to these bytes until it closes."""
        reader, writer = await self.connect(private=private)
        writer.write(data)
        async with asyncio.timeout(20):
            answer = await reader.read(-1)
        writer.close()
        return answer

    async def ask(
        self, method: str, path: str, *headers: str, host: str = "", body: bytes = b"", private: bool = False
    ) -> Answer:
        """One request on its own connection."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.host}", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        reader, writer = await self.connect(private=private)
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        async with asyncio.timeout(20):
            answer = await read_answer(reader, method)
        writer.close()
        return answer


async def read_answer(reader: asyncio.StreamReader, method: str = "GET") -> Answer:
    """One answer off a connection, by whichever framing it has."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers.setdefault(name.lower(), []).append(value)
    status = int(first.split(" ")[1])
    if method == "HEAD" or status in {101, 204, 304} or status < 200:
        return Answer(status, headers, b"")
    if "content-length" in headers:
        return Answer(status, headers, await reader.readexactly(int(headers["content-length"][0])))
    if "transfer-encoding" not in headers:
        return Answer(status, headers, await reader.read(-1))
    body = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    assert await reader.readexactly(2) == b"\r\n"
    return Answer(status, headers, bytes(body))


async def serve_app(app: web.Application, **more: Any) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(
        app, access_log=None, auto_decompress=False, handle_signals=False, shutdown_timeout=0.1, **more
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, int(runner.addresses[0][1])


def echo_app() -> web.Application:
    """Says back what it got."""

    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        seen = {
            "method": request.method,
            "target": request.raw_path,
            "headers": [[key.decode("latin-1"), value.decode("latin-1")] for key, value in request.raw_headers],
            "body": body.decode("latin-1"),
        }
        response = web.json_response(seen)
        for key, value in request.query.items():
            if key.startswith("set-"):
                response.headers.add(key[4:], value)
        return response

    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{rest:.*}", echo)
    return app


def api_app(seen: list[web.Request]) -> web.Application:
    """An api that believes the signed identity and nothing else."""

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        if request.path == "/healthz":
            return web.Response(text="ok")
        path = request.raw_path.partition("?")[0]
        identity = verify(request.headers[HEADER], KEY, method=request.method, path=path, now=time.time())
        entry = identity.entry
        return web.json_response(
            {"kind": identity.kind, "login": identity.login, "entry": entry and entry.name, "path": request.raw_path}
        )

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    return app


async def make_room(tmp_path: Path, upstream_port: int, api_port: int, limits: Limits, **more: Any) -> Room:
    port = free_port()
    settings = Settings(
        local_origin=f"http://guildnet.localhost:{port}",
        api_url=f"http://127.0.0.1:{api_port}",
        tailnet_socket=str(tmp_path / "tailnet.sock"),
        tailscaled_socket="-",
        serve_file="-",
        **{"pod_networks": LOOPBACK, **more},
    )
    table = Index()
    table.listed = True
    table.set_capabilities(())
    sessions = Sessions(KEY, "guildnet")
    local = Entry("local", settings.local_origin, settings.local_mode)
    entries = Sites((local,), tailnet_mode="port")
    entries.learn("guildnet.tailtest.example")
    peers: dict[str, Peer] = {}
    tokens: dict[str, TokenReview] = {}
    reviews: list[str] = []

    async def whois(address: str) -> Peer:
        if address not in peers:
            raise Unreachable("no such peer")
        return peers[address]

    async def review(token: str) -> TokenReview:
        reviews.append(token)
        if not token:
            raise Invalid("token is required for TokenReview in authentication")  # as the API server says
        return tokens.get(token, TokenReview(authenticated=False))

    sources = Authenticator(
        sessions, audience="guildnet", admin="guildnet:guildnet-admin", review=review, whois=whois,
        clock=time.monotonic, wall=time.time,
    )  # fmt: skip
    log: list[str] = []
    records = Records(CollectorRegistry(), write=log.append)
    own = OwnAddresses()
    own.listed = True
    own.on_change.append(table.touch)
    door = door_of(settings, table, entries, sources, records, KEY, own)
    server = Server(door, records, limits)
    table.on_change.append(lambda _: server.revoke_soon(lambda record: still_allowed(door.workspaces, record)))
    await server.listen_tcp("127.0.0.1", port)
    socket = tmp_path / "tailnet.sock"
    await server.listen_unix(socket)
    revocation = Revocation(sources, door.workspaces, server.opened, server.revoke)
    return Room(
        server, table, sessions, sources, entries, port, socket, upstream_port, records, log, own, peers, tokens,
        reviews, revocation,
    )  # fmt: skip
