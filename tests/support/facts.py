"""Shared facts, each asked through every service that uses it: what differs between two services is a bug.

Every asker goes through the service's own code, not through `guildnet`: a service that went its own way would answer
differently here.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from types import SimpleNamespace
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from guildnet import identity, settings
from guildnet.access import Action, Decision
from guildnet.audit import Writer
from guildnet.identity import Identity
from guildnet.web.entries import Entry
from guildnet.workspace import Workspace, parse
from guildnet_api import app
from guildnet_api.access.audit import Actor, AuditTrail
from guildnet_api.http import limits as api_limits
from guildnet_api.http.middleware import RequestLog, SignedIdentity
from guildnet_api.http.static import Ui
from guildnet_api.metrics import Metrics
from guildnet_api.workspaces import view
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.plan import Policy, ServedPort
from guildnet_operator.settings import Settings as OperatorSettings
from guildnet_operator.watch.workspace_store import version_of
from guildnet_proxy.access_log import Records
from guildnet_proxy.auth.sessions import Sessions
from guildnet_proxy.cluster.index import Endpoint, Index, Slice, declared_ports
from guildnet_proxy.frontdoor.dispatch import FrontDoor
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.frontdoor.resolve import resolve
from guildnet_proxy.frontdoor.target import WorkspaceTarget
from guildnet_proxy.frontdoor.target import parse as parse_target
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import parse_request
from guildnet_proxy.http.message.response import ResponseHead
from guildnet_proxy.rewrite.own_answers import page_headers
from guildnet_proxy.rewrite.response_head import ControlRules
from guildnet_proxy.settings import Settings as ProxySettings
from guildnet_proxy.sites import Sites, own_origin

KEY: Final = b"k" * 32
NOW: Final = 1_800_000_000.0
REFUSED: Final = "refused"
WORDS: Final = ("code-server", "jupyter", "acme", "x", "custom", "base", "coder", "tool", "web-1", "library")


@dataclass(frozen=True, slots=True)
class Fact:
    """`inputs` makes one generated input; `askers` give each service's answer to it, in a form that can be compared."""

    name: str
    inputs: Callable[[random.Random], Any]
    askers: Mapping[str, Callable[[Any], Any]]

    def differences(self, count: int, seed: int = 1) -> Iterator[str]:
        """A line for every input that two services answer differently."""
        with structlog.testing.capture_logs():
            yield from self._differences(count, seed)

    def _differences(self, count: int, seed: int) -> Iterator[str]:
        rng = random.Random(f"{self.name} {seed}")
        for _ in range(count):
            given = self.inputs(rng)
            answers = {service: ask(given) for service, ask in self.askers.items()}
            if len({json.dumps(answer, sort_keys=True, default=str) for answer in answers.values()}) > 1:
                yield f"{self.name}: {given!r}: {answers}"


# ---- inputs ---------------------------------------------------------------------------------------------------------


def workspace(**spec: Any) -> Workspace:
    metadata = {"name": "lab-1a2b3", "namespace": "n", "uid": "0123456789ab", "resourceVersion": "1"}
    return parse({"metadata": metadata, "spec": {"image": "acme/tool", **spec}, "status": {"serviceUID": "service"}})


def image(rng: random.Random) -> str:
    host = rng.choice(("", "ghcr.io/", "localhost:5000/", "code-server.example/"))
    path = "/".join(rng.choice(WORDS) for _ in range(rng.randint(1, 3)))
    return f"{host}{path}{rng.choice(('', ':1.2', ':code-server', '@sha256:' + 'a' * 64))}"


def port(rng: random.Random) -> tuple[int, str]:
    number = rng.choice((80, 443, 8080, 8443, rng.randint(1, 65535)))
    return number, rng.choice(("http", "https", "https-admin", "web", "tls", f"p-{number}"))


def request_ids(rng: random.Random) -> str:
    alphabet = "aZ09._:-" if rng.random() < 0.7 else "aZ09._:-/;é %"
    return "".join(rng.choice(alphabet) for _ in range(rng.choice((1, 3, 7, 8, 32, 64, 65, 127, 128, 129))))


def origin(rng: random.Random) -> str:
    scheme = rng.choice(("http", "https", "HTTPS", "ftp", ""))
    host = rng.choice(("guild.example", "Guild.Example", "guildnet.localhost", "[::1]", "[FD00::1]", "a b", ""))
    tail = rng.choice(("", ":80", ":443", ":8080", ":99999", ":x", "/", ":443/", "/path", "?q", "/?"))
    return f"{scheme}://{host}{tail}" if scheme else f"{host}{tail}"


def entry(rng: random.Random) -> Entry:
    scheme = rng.choice(("http", "https"))
    number = rng.choice(("", ":80", ":443", ":8080")).replace(":80" if scheme == "http" else ":443", "", 1)
    return Entry("local", f"{scheme}://guild.example{number if number.startswith(':') else ''}", "host")


def someone(rng: random.Random) -> Identity:
    text = lambda: "".join(rng.choice('abcé @."\\') for _ in range(rng.randint(0, 9)))  # noqa: E731  one line says it
    kind: Any = rng.choice(("user", "node", "token"))
    return Identity(kind, text(), text(), (text(),), (rng.choice(("admin", "x")),), "session", None, (text(), text()))


# ---- askers ---------------------------------------------------------------------------------------------------------


def operator_ports(image_: str) -> list[int]:
    return [item.number for item in decide(workspace(image=image_), Policy()).ports]


def api_ports(image_: str) -> list[int]:
    return [item["port"] for item in view.server(workspace(image=image_), (), None)["ports"]]


def proxy_ports(image_: str) -> list[int]:
    return list(declared_ports(workspace(image=image_)))


def proxy_scheme(given: tuple[int, str]) -> str:
    number, name = given
    index, ws = Index(), workspace(ports=[{"containerPort": number, "name": name}])
    index.put_workspace(ws)
    index.put_slice(Slice("slice", "service", (Endpoint("10.0.0.1", number, name, True),)))
    return resolve(index, ws, None, namespace="n", domain="cluster.local").scheme


def proxy_request_id(text: str) -> str:
    if not text.isascii() or text != text.strip() or not text:
        return "replaced"  # llhttp takes the white space off; the rest is not a header's value to begin with
    nobody: Any = None
    record = Record("fresh", 0.0)
    door = FrontDoor(
        Sites((), tailnet_mode=None), nobody, nobody, nobody, nobody, wall=lambda: NOW, denied=lambda *_: None
    )
    head = parse_request(f"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: {text}\r\n\r\n".encode(), Limits())
    door.handle(head, Listener("tcp", private=False), "10.0.0.1", record)
    return "kept" if record.request_id == text else "replaced"


def api_request_id(text: str) -> str:
    if not text.isascii() or text != text.strip() or not text:
        return "replaced"
    sent: list[Any] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", text.encode())]}
    asyncio.run(RequestLog(application, Metrics(CollectorRegistry()))(scope, sys.exit, send))
    return "kept" if dict(sent[0]["headers"])[b"x-request-id"].decode() == text else "replaced"


def origin_of(cls: type[Any]) -> Callable[[str], str]:
    def ask(text: str) -> str:
        try:
            with redirect_stderr(StringIO()):
                loaded = settings.load(cls, {"DOMAIN_ORIGIN": text, "LOCAL_ORIGIN": "http://l.localhost"})
        except SystemExit:
            return REFUSED
        return str(loaded.entries(None)[0].origin)

    return ask


def audited(write: Callable[[list[str], Identity], None]) -> Callable[[Identity], Any]:
    def ask(who: Identity) -> Any:
        lines: list[str] = []
        write(lines, who)
        line = json.loads(lines[0])
        told = {name: line[name] for name in ("audit", "request_id", "who", "kind", "source", "entry", "allowed")}
        return list(line), told

    return ask


def api_audit(lines: list[str], who: Identity) -> None:
    actor = Actor(who, "rid")
    AuditTrail(Writer("api", lines.append)).denied(actor, Action.PROXY, "lab", Decision(allowed=False, rule="r"))


def proxy_audit(lines: list[str], who: Identity) -> None:
    record = Record("rid", 0.0)
    record.workspace, record.identity, record.who = "lab", who, who.subject
    records = Records(CollectorRegistry(), write=lambda text: lines.append(text.rstrip("\n")))
    records.denied(record, Refusal(403, "forbidden", "no", rule="r"))


def operator_base(name: str) -> str:
    ws = parse({
        "metadata": {"name": name, "namespace": "n", "uid": "u"},
        "spec": {"image": "a", "ports": [{"containerPort": 1, "pathMode": "Preserve"}]},
    })  # fmt: skip
    env = {item.name: item.value for item in decide(ws, Policy()).env}
    return str(env["GUILDNET_BASE_PATH"])


def api_base(name: str) -> str:
    ws = parse({"metadata": {"name": name, "namespace": "n", "uid": "u"}, "spec": {"image": "a"}})
    return str(view.server(ws, (), None)["proxy_url"])


def proxy_base(name: str) -> str:
    found = parse_target(f"/proxy/server/{name}/x".encode())
    assert isinstance(found, WorkspaceTarget)
    return found.base + "/"


def api_origin(entry_: Entry) -> str:
    return str(view.server(workspace(), (), entry_)["url"]).rstrip("/")


def proxy_origin(entry_: Entry) -> str:
    """The origin the proxy serves the workspace on when it is asked by the name it gives it."""
    shown = own_origin(workspace(), entry_) or ""
    host = shown.partition("://")[2]
    head = parse_request(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), Limits())
    return Sites((entry_,), tailnet_mode=None).locate(head, Listener("tcp", private=False)).origin


def session_identity(who: Identity) -> Any:
    sessions, at = Sessions(KEY, "guild"), Entry("local", "http://g.localhost", "host")
    session = sessions.read(sessions.issue(who, at, NOW), at, NOW)
    return None if session is None else identity.claims_of(session.identity) | {"entry": None}


def header_identity(who: Identity) -> Any:
    """The identity as the api reads it off the proxy's header."""
    seen: list[Identity] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["guildnet.identity"])

    token = identity.sign(who, KEY, method="GET", path="/x", now=NOW)
    scope = {
        "type": "http", "method": "GET", "path": "/x", "raw_path": b"/x",
        "headers": [(b"x-guildnet-identity", token.encode())],
    }  # fmt: skip
    asyncio.run(SignedIdentity(application, KEY, lambda: NOW, lambda *_: None)(scope, sys.exit, sys.exit))  # type: ignore[arg-type]
    return identity.claims_of(seen[0]) | {"entry": None}


def api_frames(entry_: Entry) -> str:
    """What a page of the control origin may frame, by the headers of an answer of the api."""
    parts: Any = SimpleNamespace(
        metrics=Metrics(CollectorRegistry()), key=KEY, now=lambda: NOW, document={}, audit=AuditTrail(),
        limits=api_limits.Limits(api_limits.Bounds()),
    )  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    path = "/api/openapi.json"
    who = Identity("user", "ada", source="session", entry=entry_)
    token = identity.sign(who, KEY, method="GET", path=path, now=NOW)
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"x-guildnet-identity", token.encode())], "scheme": "http", "server": ("a", 80), "client": None,
    }  # fmt: skip
    asyncio.run(app.application(parts, Ui({}))(scope, receive, send))
    return frames_of(dict(sent[0]["headers"])[b"content-security-policy"])


def proxy_frames(entry_: Entry) -> str:
    """The same by the headers that the proxy adds to an answer that has none."""
    host = entry_.origin.partition("://")[2]
    head = parse_request(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), Limits())
    site = Sites((entry_,), tailnet_mode=None).locate(head, Listener("tcp", private=False))
    rules = ControlRules(page_headers(site), b"")
    lines = rules.lines(ResponseHead(b"HTTP/1.1 200 OK\r\n\r\n", rules.names), b"rid")
    return frames_of(next(line for line in b"".join(lines).split(b"\r\n") if line.startswith(b"content-security")))


def frames_of(policy: bytes) -> str:
    return next(part.strip().decode() for part in policy.split(b";") if b"frame-src" in part)


def api_version(text: str) -> int:
    from guildnet_api.cluster.index import WorkspaceIndex

    index = WorkspaceIndex()
    index.listed(workspaces=text, pods="0")
    return int(index.position.workspaces)


def operator_version(text: str) -> int:
    return version_of({"metadata": {"resourceVersion": text}})


def version(rng: random.Random) -> str:
    return rng.choice((str(rng.randint(0, 2**63)), "", "abc", "12x", "-5", "٣", "1.5", "007"))


def dns_name(rng: random.Random) -> str:
    return "a" + "".join(rng.choice("abc-019") for _ in range(rng.randint(0, 40))) + "z"


FACTS: Final[Sequence[Fact]] = (
    Fact("ports of an image", image, {"operator": operator_ports, "api": api_ports, "proxy": proxy_ports}),
    Fact("scheme of a port", port, {"operator": lambda p: ServedPort(*p).scheme, "proxy": proxy_scheme}),
    Fact("request id", request_ids, {"api": api_request_id, "proxy": proxy_request_id}),
    Fact("control origin", origin, {"operator": origin_of(OperatorSettings), "proxy": origin_of(ProxySettings)}),
    Fact("audit line", someone, {"api": audited(api_audit), "proxy": audited(proxy_audit)}),
    Fact("base path", dns_name, {"operator": operator_base, "api": api_base, "proxy": proxy_base}),
    Fact("workspace origin", entry, {"api": api_origin, "proxy": proxy_origin}),
    Fact("frame sources", entry, {"api": api_frames, "proxy": proxy_frames}),
    Fact("sealed identity", someone, {"proxy session": session_identity, "api header": header_identity}),
    Fact("resource version", version, {"api": api_version, "operator": operator_version}),
)
