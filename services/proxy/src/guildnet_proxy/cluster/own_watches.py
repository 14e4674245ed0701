"""Feeds OwnAddresses: from the API server's watches, and by resolving the hosts that settings name.

Read are the EndpointSlices and Services of the install, the EndpointSlice of the API server, and the nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from guildnet.kube import Change, Client, Reflector
from guildnet.kube.resources import ENDPOINTSLICES, NODES, SERVICES, Resource
from guildnet.names import LABEL_MANAGED
from guildnet.telemetry import logger
from guildnet_proxy.cluster import own_addresses
from guildnet_proxy.cluster.own_addresses import OwnAddresses

RESOLVE_SECONDS: Final = 30.0
"""Between two looks at the addresses of hosts that settings name."""
OF_THE_INSTALL: Final = f"app.kubernetes.io/part-of=guildnet,{LABEL_MANAGED}!=true"
"""What the chart makes: the operator's Services of workspaces carry LABEL_MANAGED."""

Addresses = tuple[str, ...]
Resolver = Callable[[str, int], Awaitable[list[str]]]


def of_slice(item: Mapping[str, Any]) -> Addresses:
    """Every address of an EndpointSlice, ready or not."""
    return tuple(address for one in item.get("endpoints") or () for address in one.get("addresses") or ())


def of_service(item: Mapping[str, Any]) -> Addresses:
    """The addresses under which a Service is reached in the cluster and from outside."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    balanced = (status.get("loadBalancer") or {}).get("ingress") or ()
    found = (
        spec.get("clusterIP") or "",
        *(spec.get("clusterIPs") or ()),
        *(spec.get("externalIPs") or ()),
        *(one.get("ip") or "" for one in balanced),
    )
    return tuple(found)


def of_node(item: Mapping[str, Any]) -> Addresses:
    return tuple(str(one.get("address") or "") for one in (item.get("status") or {}).get("addresses") or ())


class OwnWatches:
    """Four reflectors, and the names in `hosts`; `run` until cancelled."""

    def __init__(
        self, client: Client, release_namespace: str, own: OwnAddresses, hosts: tuple[str, ...], resolver: Resolver
    ) -> None:
        self._own = own
        self._hosts = hosts
        self._resolver = resolver

        def followed(kind: str, resource: Resource, parse: Callable[[Mapping[str, Any]], Addresses], **where: Any
                     ) -> Reflector[Addresses]:  # fmt: skip
            def told(change: Change[Addresses]) -> None:
                if change.new is not None:
                    own.put(kind, change.key, change.new)
                elif change.kind == "deleted":
                    own.remove(kind, change.key)

            return Reflector(client, resource, parse=parse, on_change=told, **where)

        install = {"namespace": release_namespace, "label_selector": OF_THE_INSTALL}
        api_server = {"namespace": "default", "field_selector": "metadata.name=kubernetes"}
        self._reflectors = (
            followed("pods", ENDPOINTSLICES, of_slice, **install),
            followed("services", SERVICES, of_service, **install),
            followed("api-server", ENDPOINTSLICES, of_slice, **api_server),
            followed(own_addresses.NODES, NODES, of_node),
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())
            first = asyncio.Event()
            group.create_task(self._resolve(first))
            for reflector in self._reflectors:
                await reflector.synced.wait()
            await first.wait()
            self._own.listed = True

    async def _resolve(self, first: asyncio.Event) -> None:
        """A host whose name cannot be resolved keeps the addresses that it had."""
        while self._hosts:
            for host in self._hosts:
                try:
                    self._own.put("hosts", host, await self._resolver(host, 0))
                except OSError as error:
                    logger.warning("host that is never a target not resolved", host=host, error=str(error))
            first.set()
            await asyncio.sleep(RESOLVE_SECONDS)
        first.set()


def hosts_of(texts: tuple[str, ...]) -> Iterator[str]:
    """The entries that are names and have to be resolved."""
    return (text for text in texts if not own_addresses.addresses_of((text,)))
