"""A client of the Kubernetes API that speaks raw JSON.

Connection, TLS, credentials and their renewal are the official client's (`kubernetes.aio`); its generated models are
not used, because decoding into them costs more than the request. Every request has a deadline, every failure is one of
`guildnet.errors`. It retries nothing: whoever calls knows what a second attempt would mean. It grants and assumes no
right: what the account may do is the cluster's decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import aiohttp

from guildnet.errors import Invalid
from guildnet.kube import errors, requests
from guildnet.kube.lines import LineSplitter
from guildnet.kube.requests import Json, Query
from guildnet.kube.resources import Resource, path

__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "MERGE_PATCH",
    "Client",
    "Json",
    "Propagation",
    "Query",
    "connect",
]

Propagation = Literal["Background", "Foreground", "Orphan"]
Answered = Callable[[str, int], None]

TIMEOUT: Final = 30.0
"""Seconds a request may take in all, and a stream until its answer begins."""
MAX_LINE: Final = 8 * 1024 * 1024
"""Bytes of a line of a stream; etcd's largest object is 1.5 MB, JSON and managed fields included."""
JSON_TYPE: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"


class Client:
    """Requests to one API server. Made by `connect`, which closes it. Writes fill in `apiVersion` and `kind`."""

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

    def guarded(self, check: Callable[[], None]) -> Client:
        """The same client, but `check` is called before every request that is no GET; what it raises is not sent."""
        return Client(self._rest, self._configuration, self._user_agent, self._answered, check)

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
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a watch or a pod's log as they come, without line feeds; ends when the server ends it.

        `idle` is how many seconds may pass without a byte; None means for ever. Close it (`aclosing`) to give the
        connection back. `splitter` bounds lines; MAX_LINE unless given. Raises like `request`, and Silent where the
        stream was open and `idle` passed.
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

    async def get(
        self, resource: Resource, namespace: str | None, name: str, *, subresource: str | None = None
    ) -> Json:
        """One object."""
        return await self.request("GET", path(resource, namespace, name, subresource))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int | None = None,
        continue_: str | None = None,
    ) -> Json:
        """One page of a collection, as the API server wraps it (`metadata.resourceVersion`, `items`)."""
        query: Query = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": limit,
            "continue": continue_,
        }
        return await self.request("GET", path(resource, namespace), query=query)

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], *, field_manager: str | None = None
    ) -> Json:
        """POST. Raises Conflict with reason AlreadyExists where the name is taken; unknown fields are Invalid."""
        query = requests.writing(field_manager)
        return await self.request("POST", path(resource, namespace), query=query, body=requests.typed(resource, body))

    async def replace(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str | None = None,
        field_manager: str | None = None,
    ) -> Json:
        """PUT. With `metadata.resourceVersion` in the body, Conflict where the object has moved on."""
        target = path(resource, namespace, name, subresource)
        query = requests.writing(field_manager)
        return await self.request("PUT", target, query=query, body=requests.typed(resource, body))

    async def merge_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str | None = None,
        field_manager: str | None = None,
    ) -> Json:
        """JSON merge patch (RFC 7396): null removes, lists are replaced.

        `metadata.resourceVersion` in the body is a precondition: Conflict where the object has moved on. `metadata.uid`
        is one too, but not for a subresource: the API server ignores it there.
        """
        target = path(resource, namespace, name, subresource)
        query = requests.writing(field_manager)
        return await self.request("PATCH", target, query=query, body=body, content_type=MERGE_PATCH)

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        field_manager: str,
        force: bool = True,  # noqa: FBT001, FBT002  server-side apply's own word
        *,
        subresource: str | None = None,
    ) -> Json:
        """Server-side apply of a full statement of intent.

        Creates what is missing, unless `metadata.uid` is given: then only that very object is changed, and Conflict
        raised for any other.
        """
        return await self.request(
            "PATCH",
            path(resource, namespace, name, subresource),
            query={**requests.writing(field_manager), "force": force},
            body=requests.typed(resource, body),
            content_type=APPLY_PATCH,
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        propagation: Propagation = "Background",
        uid: str | None = None,
        resource_version: str | None = None,
        grace_period: int | None = None,
    ) -> Json:
        """Delete one object; with `uid` or `resource_version` only that very one, Conflict otherwise."""
        conditions = {"uid": uid, "resourceVersion": resource_version}
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if any(conditions.values()):
            options["preconditions"] = {key: value for key, value in conditions.items() if value}
        if grace_period is not None:
            options["gracePeriodSeconds"] = grace_period
        return await self.request("DELETE", path(resource, namespace, name), body=options)

    async def version(self) -> Json:
        """The API server's version, which any account may ask: the cheapest proof that it answers."""
        return await self.request("GET", "/version", timeout=5.0)

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
        headers = {"Accept": "application/json, */*", "User-Agent": self._user_agent}
        headers["Content-Type"] = content_type or JSON_TYPE
        # The credentials are asked for at every request: the official client re-reads a rotated token file.
        for setting in (await self._configuration.auth_settings()).values():
            headers["Authorization"] = setting["value"]
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


@asynccontextmanager
async def connect(
    kubeconfig: str | None = None, *, user_agent: str = "guildnet", answered: Answered | None = None
) -> AsyncIterator[Client]:
    """A Client for the pod's own account, or for the current context of a kubeconfig; closed at the end.

    `answered` is told the method and status of every request, 0 where there was no answer.

    Opens no connection by itself. Raises Invalid where the configuration cannot be read. Proxies are taken from the
    kubeconfig (`proxy-url`) and never from the environment.
    """
    # Importing the official client costs a third of a second and 55 MB: only a process that connects pays.
    from kubernetes.aio.client import Configuration
    from kubernetes.aio.client.rest import RESTClientObject

    configuration = Configuration()
    configuration.connection_pool_maxsize = 0  # no limit: a hundred log streams would block everything else
    configuration.client_session_kwargs = {"trust_env": False}
    await _configure(configuration, kubeconfig)
    rest = RESTClientObject(configuration)
    try:
        yield Client(rest, configuration, user_agent, answered)
    finally:
        await rest.close()
        await asyncio.sleep(0)  # the loop closes an abandoned connection's socket in its next turn


async def _configure(configuration: Any, kubeconfig: str | None) -> None:
    import kubernetes.aio.config

    config: Any = kubernetes.aio.config

    try:
        if kubeconfig:
            await config.load_kube_config(
                config_file=kubeconfig, client_configuration=configuration, persist_config=False
            )
        else:
            config.load_incluster_config(client_configuration=configuration)
    except Exception as error:
        # What a broken file raises depends on how it is broken.
        wanted = f"the kubeconfig {kubeconfig}" if kubeconfig else "the pod's service account (or set KUBECONFIG)"
        raise Invalid(f"no access to Kubernetes through {wanted}: {error}", code="bad_kubeconfig") from error


def _abandon(response: aiohttp.ClientResponse) -> None:
    # Half-read, the connection is of no use to anybody, and a TLS farewell would wait for a peer that is still talking.
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()
