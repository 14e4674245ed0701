"""HTTP to the API server: one request or one stream, its deadline, and what a failure is called.

Knows paths, bodies and answers, and no kind of object. It retries nothing.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet

import aiohttp

from guildnet.kube import errors, requests
from guildnet.kube.lines import LineSplitter
from guildnet.kube.requests import Json, Query

Answered = Callable[[str, int], None]

TIMEOUT: Final = 30.0
"""Seconds a request may take in all, and a stream until its answer begins."""
MAX_LINE: Final = 8 * 1024 * 1024
"""Bytes of a line of a stream; etcd's largest object is 1.5 MB, JSON and managed fields included."""
JSON_TYPE: Final = "application/json"
_CLOSED_WITHIN_SECONDS: Final = 2.0
_TURN_SECONDS: Final = 0.002


class Transport:
    """Requests by path, over the official client's connections and with its credentials."""

    def __init__(
        self,
        rest: Any,
        configuration: Any,
        user_agent: str,
        answered: Answered | None = None,
        check_write: Callable[[], None] | None = None,
    ) -> None:
        self._rest = rest
        self._configuration = configuration
        self._user_agent = user_agent
        self._answered = answered or _unheard
        self._check_write = check_write or _allowed

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str | None = None,
        timeout: float = TIMEOUT,
    ) -> Json:
        """One request, answered with decoded JSON ({} for an empty or plain text answer).

        Raises one of guildnet.errors: NotFound 404, Conflict 409, Denied 401/403, Invalid 400/422, Gone 410,
        TooManyRequests 429, TooLarge 413, Unreachable for 5xx, a broken connection or a passed deadline (seconds).
        """
        try:
            async with asyncio.timeout(timeout):
                response = await self._send(
                    method, path, query, body, content_type, aiohttp.ClientTimeout(total=timeout)
                )
                try:
                    data = await response.read()
                finally:
                    response.release()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise requests.unreachable(method, path, error) from error
        if response.status >= 400:
            raise errors.from_answer(response.status, data, response.headers.get("Retry-After"))
        if not data or not response.content_type.endswith("json"):
            return {}
        return requests.decoded(data)

    async def stream(
        self,
        path: str,
        query: Query | None = None,
        *,
        idle: float | None = None,
        timeout: float = TIMEOUT,
        splitter: LineSplitter | None = None,
        begun: Callable[[], None] | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a watch or a pod's log as they come, without line feeds; ends when the server ends it.

        `idle` is how many seconds may pass without a byte; None means for ever. Close it (`aclosing`) to give the
        connection back. `splitter` bounds lines; MAX_LINE unless given. `begun` is called when the API server has
        agreed, which may be long before the first line. Raises like `request`, and Silent where the stream was open
        and `idle` passed.
        """
        limits = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=idle)
        splitter = splitter or LineSplitter(MAX_LINE)
        try:
            async with asyncio.timeout(timeout):
                response = await self._send("GET", path, query, None, None, limits)
            try:
                if response.status >= 400:
                    async with asyncio.timeout(timeout):
                        data = await response.read()
                    raise errors.from_answer(response.status, data, response.headers.get("Retry-After"))
                if begun is not None:
                    begun()
                async for chunk in response.content.iter_any():
                    for line in splitter.feed(chunk):
                        yield line
                for line in splitter.close():
                    yield line
            except aiohttp.SocketTimeoutError as error:
                raise requests.silent(path, idle) from error
            finally:
                _abandon(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise requests.unreachable("GET", path, error) from error

    async def websocket(
        self, path: str, query: Query, *, protocol: str, timeout: float = TIMEOUT
    ) -> aiohttp.ClientWebSocketResponse:
        """A connection to a subresource that streams, by one subprotocol; whoever gets it closes it.

        Raises like `request`, Unreachable too where the server does not speak the subprotocol.
        """
        if self._rest.pool_manager is None:
            self._rest.pool_manager = self._rest._create_pool_manager()  # noqa: SLF001  its first request would
        url = f"{self._configuration.host}{path}{requests.encoded(query)}"
        try:
            async with asyncio.timeout(timeout):
                opened: aiohttp.ClientWebSocketResponse = await self._rest.pool_manager.ws_connect(
                    url, headers=await self._headers(), protocols=(protocol,), max_msg_size=0, proxy=self._rest.proxy
                )
        except aiohttp.WSServerHandshakeError as error:
            self._answered("GET", error.status)
            raise errors.from_answer(error.status, error.message.encode()) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._answered("GET", 0)
            raise requests.unreachable("GET", path, error) from error
        self._answered("GET", 101)
        if opened.protocol != protocol:
            await opened.close()
            raise requests.unreachable("GET", path, ConnectionError(f"it does not speak {protocol}"))
        return opened

    async def _headers(self) -> dict[str, str]:
        """Who we are. The credentials are asked for every time: the official client re-reads a rotated token file."""
        found = {"User-Agent": self._user_agent}
        for setting in (await self._configuration.auth_settings()).values():
            found["Authorization"] = setting["value"]
        return found

    async def _send(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: Any,
        content_type: str | None,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        if method != "GET":
            self._check_write()
        headers = {"Accept": "application/json, */*", **await self._headers()}
        headers["Content-Type"] = content_type or JSON_TYPE
        url = f"{self._configuration.host}{path}{requests.encoded(query)}"
        try:
            answer = await self._rest.request(method, url, headers=headers, body=body, _request_timeout=limits)
        except BaseException:
            self._answered(method, 0)
            raise
        response: aiohttp.ClientResponse = answer.response
        self._answered(method, response.status)
        return response


def _unheard(_method: str, _code: int) -> None:
    return


def _allowed() -> None:
    return


def _abandon(response: aiohttp.ClientResponse) -> None:
    # Half-read, the connection is of no use to anybody, and a TLS farewell would wait for a peer that is still talking.
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


class Sockets:
    """Makes sockets, as aiohttp's `socket_factory`, and closes what is left of them when their client is closed.

    A connection over TLS that is closed says farewell and waits for the other end's (RFC 8446, section 6.1). aiohttp
    gives the connection of a request that was cancelled out of its hands, so that nobody can wait for it. A loop that
    ends meanwhile leaves its socket open; uvloop's then raises OSError, or never ends.
    """

    def __init__(self) -> None:
        self._made: WeakSet[socket.socket] = WeakSet()

    def make(self, address: tuple[int, int, int, str, Any]) -> socket.socket:
        """One for an address as `getaddrinfo` has it."""
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        self._made.add(made)
        return made

    async def closed(self) -> None:
        """Ends every connection that is still there, and returns when the loop has closed its socket.

        It takes a turn or two of the loop; a socket that is not closed within two seconds is not waited for.
        """
        for left in self._left():
            with suppress(OSError):
                left.shutdown(socket.SHUT_RDWR)  # the loop reads the end, and waits for no farewell
        deadline = time.monotonic() + _CLOSED_WITHIN_SECONDS
        while self._left() and time.monotonic() < deadline:  # noqa: ASYNC110  nothing tells of a socket that is closed
            await asyncio.sleep(_TURN_SECONDS)

    def _left(self) -> list[socket.socket]:
        return [made for made in self._made if made.fileno() >= 0]
