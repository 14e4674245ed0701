"""The api of one install over HTTP. Python's own client: another would take half of the time a command may take."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from guildnet_cli import VERSION, sse
from guildnet_cli.errors import CONFLICT, FAILED, FORBIDDEN, NOT_FOUND, NOT_LOGGED_IN, UNREACHABLE, USAGE, CliError
from guildnet_cli.wire import ImagePreset, Login, LogLine, Me, Server, WorkspaceEvent

TIMEOUT_SECONDS: Final = 30.0
STREAM_TIMEOUT_SECONDS: Final = 45.0
"""The api sends a comment every 20 s at the latest: a stream silent for longer is dead."""
_BY_STATUS: Final = {
    401: NOT_LOGGED_IN, 403: FORBIDDEN, 404: NOT_FOUND, 409: CONFLICT,
    502: UNREACHABLE, 503: UNREACHABLE, 504: UNREACHABLE,
}  # fmt: skip
_HINTS: Final = {
    401: "guildnet login URL --token -   (a token that is valid)",
    403: "guildnet capability check [WORKSPACE]   (what you may do)",
    404: "guildnet list   (the workspaces there are)",
    503: "try again in a moment; guildnet doctor   (what is not ready)",
}
_DOCTOR: Final = "guildnet doctor   (name, connection and certificate, one after the other)"


class Answer(NamedTuple):
    """A success: the parsed JSON (None for an empty body) and the headers in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Address(NamedTuple):
    """Where to connect. `*.localhost` is loopback to a browser but not to every resolver (RFC 6761, 6.3)."""

    scheme: str
    host: str
    port: int
    authority: str


def address(url: str) -> Address:
    """Raises CliError for what is no http(s) URL of an install's control origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CliError(USAGE, f"{url!r} is no URL of an install", "give one like https://guildnet.TAILNET.ts.net")
    name = parts.hostname
    host = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else name
    return Address(parts.scheme, host, port, parts.netloc.rpartition("@")[2])


class Client:
    """One install as one caller. Every method raises CliError."""

    def __init__(self, url: str, token: str = "", timeout: float = TIMEOUT_SECONDS, *, port: int = 0) -> None:
        """`url` is the control origin; `timeout` in seconds is that of connecting and of each read; `port` that of a
        forwarder on this machine, which leads there."""
        self.url = url.rstrip("/")
        self.address = address(url)
        if port:
            self.address = Address("http", "127.0.0.1", port, self.address.authority)
        self._token = token
        self._timeout = timeout

    # ---- the api ----------------------------------------------------------------------------------------------------

    def me(self) -> Me:
        answer: Me = self._json("/api/me")
        return answer

    def servers(self, **query: str) -> list[Server]:
        answer: list[Server] = self._json("/api/servers" + _query(query))
        return answer

    def server(self, name: str) -> Server:
        answer: Server = self._json(_path(name))
        return answer

    def password(self, name: str) -> str:
        """Of the workspace's own program; "" where there is none that the install knows."""
        try:
            answer: Login = self._json(_path(name) + "/login")
        except CliError:  # a version without it, or a workspace without one
            return ""
        return answer["password"]

    def server_with_etag(self, name: str) -> tuple[Server, str]:
        answer = self.ask("GET", _path(name))
        return answer.body, answer.headers.get("etag", "")

    def images(self) -> list[ImagePreset]:
        answer: list[ImagePreset] = self._json("/api/images")
        return answer

    def launch(self, job: Mapping[str, Any]) -> str:
        """The id of the new workspace."""
        return str(self.ask("POST", "/api/jobs", job).body["id"])

    def change(self, name: str, patch: Mapping[str, Any], etag: str) -> Server:
        answer: Server = self.ask("PATCH", _path(name), patch, {"If-Match": etag} if etag else {}).body
        return answer

    def act(self, name: str, verb: str) -> None:
        """`stop`, `start`, `restart` or `delete`."""
        if verb == "delete":
            self.ask("DELETE", _path(name))
        else:
            self.ask("POST", f"{_path(name)}/{verb}")

    def events(self, name: str) -> list[WorkspaceEvent]:
        answer: list[WorkspaceEvent] = self._json(f"{_path(name)}/events")
        return answer

    def log(self, name: str, **query: str) -> list[LogLine]:
        answer: list[LogLine] = self._json(f"{_path(name)}/logs" + _query(query))
        return answer

    def log_out(self) -> None:
        """Ends the token on the server: it is good for nothing there any more."""
        self.ask("POST", "/logout")

    def proxy_debug(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._json("/api/proxy-debug" + _query({"server": name, "path": "/"}))
        return answer

    def _json(self, target: str) -> Any:
        return self.ask("GET", target).body

    # ---- HTTP -------------------------------------------------------------------------------------------------------

    def ask(
        self, method: str, target: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One exchange. Raises CliError for every answer but a success."""
        with closing(self._connection(self._timeout)) as connection:
            response = self._send(connection, method, target, body, headers or {})
            data = self._read(response)
        self._require_success(response, data)
        return Answer(response.status, _parsed(data, self.url), {k.lower(): v for k, v in response.getheaders()})

    def exchange(self, target: str) -> tuple[int, bytes, Mapping[str, str]]:
        """A GET whatever the status is: status, body, headers in lower case. Raises CliError without an answer."""
        with closing(self._connection(self._timeout)) as connection:
            response = self._send(connection, "GET", target, None, {})
            return response.status, self._read(response), {k.lower(): v for k, v in response.getheaders()}

    def stream(self, target: str, last: str = "") -> Iterator[sse.Event]:
        """Events until the server ends the stream or the connection is lost; resumed where `last` is the last id."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        with closing(self._connection(STREAM_TIMEOUT_SECONDS)) as connection:
            response = self._send(connection, "GET", target, None, headers)
            if response.status != http.HTTPStatus.OK:
                self._require_success(response, self._read(response))
            try:
                yield from sse.events(response, last)
            except (OSError, http.client.HTTPException):
                return

    def tunnel(self, name: str, port: int) -> tuple[http.client.HTTPConnection, bytes]:
        """A WebSocket to a port of a workspace: its connection, whose socket is the caller's to use and close, and what
        came behind the handshake. Raises CliError where it is refused."""
        from guildnet_cli.reach.tunnel import handshake_headers

        connection = self._connection(self._timeout)
        try:
            target = "/.guildnet/tcp" + _query({"server": name, "port": str(port)})
            response = self._send(connection, "GET", target, None, handshake_headers())
            if response.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
                self._require_success(response, self._read(response))
                raise CliError(FAILED, f"{self.url} did not open a tunnel ({response.status})", _DOCTOR)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connection, _behind(response, connection.sock)
        except BaseException:
            connection.close()
            raise

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        where = self.address
        if where.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(where.host, where.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(where.host, where.port, timeout=timeout)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        given = {"Host": self.address.authority, "Accept": "application/json", "User-Agent": f"guildnet-cli/{VERSION}"}
        if self._token:
            given["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            given["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, target, data, {**given, **headers})
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise CliError(UNREACHABLE, f"{self.url} does not answer: {told(error)}", _DOCTOR) from None

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise CliError(UNREACHABLE, f"{self.url} broke off its answer: {told(error)}", _DOCTOR) from None

    def _require_success(self, response: http.client.HTTPResponse, data: bytes) -> None:
        status = response.status
        if status < http.HTTPStatus.MULTIPLE_CHOICES:
            return
        if status < http.HTTPStatus.BAD_REQUEST:
            where = response.getheader("Location", "another address")
            raise CliError(USAGE, f"{self.url} sends requests on to {where}", "guildnet login with that address")
        try:
            error = json.loads(data)
            message, details = str(error["message"]), error.get("details") or ()
        except (ValueError, KeyError, TypeError):
            hint = f"is {self.url} GuildNet? {_DOCTOR}"
            raise CliError(
                _BY_STATUS.get(status, FAILED), f"{self.url} answered {status} {response.reason}", hint
            ) from None
        lines = [message, *(f"  {one['field']}: {one['reason']}" for one in details)]
        code = str(error.get("code", ""))
        raise CliError(_BY_STATUS.get(status, FAILED), "\n".join(lines), _HINTS.get(status, ""), api_code=code)


def told(error: BaseException) -> str:
    """What a failed connection means, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, socket.gaierror):
        return "its name has no address"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _parsed(data: bytes, url: str) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise CliError(UNREACHABLE, f"{url} does not answer as GuildNet does (no JSON)", _DOCTOR) from None


def _path(name: str) -> str:
    return f"/api/servers/{quote(name, safe='')}"


def _query(values: Mapping[str, str]) -> str:
    kept = {key: value for key, value in values.items() if value}
    return f"?{urlencode(kept)}" if kept else ""


def target(path: str, **values: str) -> str:
    """A path with its query; empty values are left out."""
    return path + _query(values)


def _behind(response: http.client.HTTPResponse, sock: socket.socket) -> bytes:
    """What the response's reader took off the connection behind the head; without waiting for more."""
    sock.settimeout(0)
    try:
        return response.fp.peek() if response.fp is not None else b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
