"""A client of the Kubernetes API that speaks raw JSON.

Connection, TLS, credentials and their renewal are the official client's (`kubernetes.aio`); its generated models are
not used, because decoding into them costs more than the request. Every request has a deadline, every failure is one of
`guildnet.errors`. It retries nothing: whoever calls knows what a second attempt would mean. It grants and assumes no
right: what the account may do is the cluster's decision.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import aiohttp

from guildnet.kube import requests
from guildnet.kube.configuration import configuration
from guildnet.kube.requests import Json, Query
from guildnet.kube.resources import Resource, path
from guildnet.kube.transport import Answered, Sockets, Transport

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

MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"


class Client(Transport):
    """Requests to one API server. Made by `connect`, which closes it. Writes fill in `apiVersion` and `kind`."""

    def guarded(self, check: Callable[[], None]) -> Client:
        """The same client, but `check` is called before every request that is no GET; what it raises is not sent."""
        return Client(self._rest, self._configuration, self._user_agent, self._answered, check)

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


@asynccontextmanager
async def connect(
    kubeconfig: str | None = None, *, user_agent: str = "guildnet", answered: Answered | None = None
) -> AsyncIterator[Client]:
    """A Client for the pod's own account, or for the current context of a kubeconfig; closed at the end.

    `answered` is told the method and status of every request, 0 where there was no answer.

    Opens no connection by itself. Raises Invalid where the configuration cannot be read.
    """
    configured = await configuration(kubeconfig)
    from kubernetes.aio.client.rest import RESTClientObject

    rest, sockets = RESTClientObject(configured), Sockets()
    connector = aiohttp.TCPConnector(
        limit=configured.connection_pool_maxsize, ssl=rest.ssl_context, socket_factory=sockets.make
    )
    configured.client_session_kwargs |= {"connector": connector}
    try:
        yield Client(rest, configured, user_agent, answered)
    finally:
        await rest.close()
        await connector.close()  # the session's, where there was a request
        await sockets.closed()
