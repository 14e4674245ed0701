"""The command line before a played api: no socket, but everything else of a command is real."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from guildnet_cli.client import Client
from guildnet_cli.main import main

URL = "http://guildnet.test"
ME = {"login": "alice@example.com", "displayName": "Alice", "kind": "user", "roles": [], "actions": ["list", "launch"]}
NOBODY = {**ME, "login": "", "kind": "anonymous", "actions": []}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Response:
    """What `http.client` gives: a status, headers, and a body that is read or iterated."""

    status: int
    data: bytes
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        return HTTPStatus(self.status).phrase

    def read(self) -> bytes:
        return self.data

    def __iter__(self) -> Iterator[bytes]:
        return iter(io.BytesIO(self.data))

    def getheader(self, name: str, default: str = "") -> str:
        return self.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        return list(self.headers.items())


Play = Callable[[Request], Response]


def reply(body: Any = None, status: int = 200, **headers: str) -> Response:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Response(status, data, {name.replace("_", "-"): value for name, value in headers.items()})


def refusal(status: int, code: str, message: str, *details: tuple[str, str]) -> Response:
    listed = [{"field": name, "reason": reason} for name, reason in details]
    return reply({"code": code, "message": message, "details": listed}, status)


def frames(*events: tuple[str, Any, str]) -> bytes:
    """Bytes of events: name, data, id."""
    text = "retry: 2000\n\n: ping\n\n"
    for name, data, identifier in events:
        text += (f"event: {name}\n" if name else "") + (f"id: {identifier}\n" if identifier else "")
        text += f"data: {json.dumps(data)}\n\n"
    return text.encode()


@dataclass
class PlayedApi:
    """Answers by `METHOD /path`; a list is taken from its beginning, its last stays. Remembers what it was asked."""

    routes: dict[str, Any] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    down: OSError | None = None

    def on(self, what: str, *answers: Any, **headers: str) -> None:
        """Bodies of successes, Responses, or functions of the request."""
        self.routes[what] = [
            one if isinstance(one, Response) or callable(one) else reply(one, 200, **headers) for one in answers
        ]

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        answers = self.routes.get(f"{request.method} {request.path}")
        if answers is None:
            return refusal(404, "not_found", f"There is nothing at {request.path}.")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return found(request) if callable(found) else found

    def bodies(self, method: str) -> list[Any]:
        return [one.body for one in self.asked if one.method == method]


class Connection:
    """Stands for `http.client.HTTPConnection`."""

    def __init__(self, api: PlayedApi) -> None:
        self._api = api
        self._response: Response | None = None

    def request(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        if self._api.down is not None:
            raise self._api.down
        parts = urlsplit(target)
        parsed = json.loads(body) if body else None
        query = dict(parse_qsl(parts.query))
        self._response = self._api.answer(Request(method, parts.path, query, headers, parsed))

    def getresponse(self) -> Response:
        assert self._response is not None
        return self._response

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> PlayedApi:
    played = PlayedApi()
    played.on("GET /api/me", ME)
    monkeypatch.setattr(Client, "_connection", lambda _self, _timeout: Connection(played))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return played


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a person who has never logged in."""
    for name in ("GUILDNET_URL", "GUILDNET_TOKEN", "GUILDNET_INSTALL", "KUBECONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("guildnet_cli.installs._keyring", lambda: None)
    monkeypatch.setenv("GUILDNET_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line: code, standard output, standard error."""

    def call(*words: str) -> Done:
        try:
            code = main(words)
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def logged_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment, so that no test of a command depends on how `login` keeps things."""
    monkeypatch.setenv("GUILDNET_URL", URL)
    monkeypatch.setenv("GUILDNET_TOKEN", "secret-token")
