"""HTTP sessions for kopf: credentials like everybody else's, and traces that tell when kopf lists and watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aiohttp
import kopf

from guildnet.kube.configuration import configuration
from guildnet.kube.transport import Sockets
from guildnet.names import WORKSPACES

Tell = Callable[[Callable[[], None]], None]
"""The one way from kopf's thread to our loop: has the callback run there."""


class Sink(Protocol):
    """Who is told; each method is called on the loop that runs `KopfSource.run`."""

    def event(self, kind: str | None, obj: Mapping[str, Any]) -> None: ...

    def watching(self, *, listed: bool) -> None: ...

    def failed(self, message: str) -> None: ...

    def ended(self) -> None: ...


class Requests:
    """What kopf's requests say of its watch (aiohttp client tracing): its handlers are told of objects alone."""

    def __init__(self, sink: Sink, tell: Tell) -> None:
        self._sink = sink
        self._tell = tell
        self._listed = False

    def trace(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._answered)
        config.on_request_exception.append(self._broke)
        return config

    async def _answered(self, _session: Any, _context: Any, answered: aiohttp.TraceRequestEndParams) -> None:
        status, url = answered.response.status, answered.url
        if status >= 400:
            self._tell(lambda: self._sink.failed(f"{answered.method} {url.path}: the API server answered {status}"))
        elif not url.path.endswith(f"/{WORKSPACES}"):
            return
        elif "watch" in url.query:
            listed, self._listed = self._listed, False
            self._tell(lambda: self._sink.watching(listed=listed))
        else:
            self._listed = True

    async def _broke(self, _session: Any, _context: Any, broken: aiohttp.TraceRequestExceptionParams) -> None:
        if isinstance(broken.exception, Exception):  # no cancellation
            text = f"{broken.method} {broken.url.path}: {broken.exception or type(broken.exception).__name__}"
            self._tell(lambda: self._sink.failed(text))


class Login:
    """Sessions for one life of kopf, one for each set of credentials. kopf asks again when it was answered 401."""

    def __init__(self, kubeconfig: str | None, requests: Requests) -> None:
        self._kubeconfig = kubeconfig
        self._requests = requests
        self._refused: kopf.ConnectionInfo | None = None
        self._sessions: list[aiohttp.ClientSession] = []
        self._sockets = Sockets()

    async def __call__(self) -> kopf.AiohttpSession:
        """Raises kopf.PermanentError, which ends kopf, where the same credentials would be tried again at once."""
        found = await connection(self._kubeconfig)
        if found == self._refused:
            raise kopf.PermanentError("the API server refuses the credentials")
        self._refused = found
        connector = aiohttp.TCPConnector(limit=0, ssl=found.as_ssl_context(), socket_factory=self._sockets.make)
        session = aiohttp.ClientSession(
            connector=connector,
            headers=found.as_http_headers(),
            proxy=found.proxy_url,
            trace_configs=[self._requests.trace()],
        )
        self._sessions.append(session)
        return kopf.AiohttpSession(server=found.server, aiohttp_session=session)

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()
        await self._sockets.closed()


async def connection(kubeconfig: str | None) -> kopf.ConnectionInfo:
    """The credentials for kopf, from the same place and by the same reader as everybody else's.

    kopf's own login would look for a synchronous Kubernetes client and import it.
    """
    found = await configuration(kubeconfig)
    given: Any = await found.auth_settings()
    headers = [item["value"] for item in given.values()]
    scheme, _, token = headers[0].partition(" ") if headers else ("", "", "")
    return kopf.ConnectionInfo(
        server=found.host,
        ca_path=found.ssl_ca_cert or None,
        insecure=not found.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=found.cert_file or None,
        private_key_path=found.key_file or None,
    )
