"""The process: settings in, every part made once and joined, run until told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from guildnet import kube
from guildnet.errors import Unreachable
from guildnet.identity import Entry, read_key
from guildnet.kube import Client
from guildnet.kube.resources import TOKENREVIEWS
from guildnet.telemetry import Health, logger, make_registry, serve_ops
from guildnet_proxy.access_log import Records
from guildnet_proxy.auth.authenticate import Review, Sources
from guildnet_proxy.auth.sessions import Sessions
from guildnet_proxy.cluster.index import Table
from guildnet_proxy.cluster.watches import Watches
from guildnet_proxy.frontdoor.dispatch import Api, FrontDoor
from guildnet_proxy.frontdoor.egress import Address, TargetGate, parse_allowed
from guildnet_proxy.frontdoor.own_routes import Local
from guildnet_proxy.frontdoor.workspaces import Policy, Workspaces
from guildnet_proxy.http.forward import Place, Record
from guildnet_proxy.http.server import Server
from guildnet_proxy.http.upstream import unverified_tls
from guildnet_proxy.settings import Settings
from guildnet_proxy.sites import Entries
from guildnet_proxy.tailnet.localapi import LocalApi
from guildnet_proxy.tailnet.node import Tailnet


def entries_of(settings: Settings) -> Entries:
    local = Entry("local", settings.local_origin, settings.local_mode) if settings.local_origin else None
    domain = Entry("domain", settings.domain_origin, settings.domain_mode) if settings.domain_origin else None
    return Entries(local=local, domain=domain, tailnet_mode=settings.tailnet_mode if settings.tailnet_socket else None)


def place_of(url: str, *, insecure: bool = False) -> Place:
    """The Place of an http(s) URL without a path; the name is resolved at every new connection."""
    parts = urlsplit(url)
    tls = None
    if parts.scheme == "https":
        tls = unverified_tls() if insecure else ssl.create_default_context()
    host = parts.hostname or ""
    return Place(host, parts.port or (443 if tls else 80), tls, host)


def door_of(
    settings: Settings, table: Table, entries: Entries, sources: Sources, records: Records, key: bytes
) -> FrontDoor:
    policy = Policy(
        namespace=settings.k8s_namespace,
        cluster_domain=settings.cluster_domain,
        access_default=settings.access_default,
        audience=settings.token_audience,
        path_trusted=settings.path_trusted,
        insecure_tls=unverified_tls(),
        verified_tls=ssl.create_default_context(cafile=settings.upstream_ca_file or None),
        streams=settings.streams_per_workspace,
        cross_site=settings.cross_site,
    )
    gate = TargetGate(parse_allowed(settings.allowed_targets), table.at, denied=own_addresses())
    workspaces = Workspaces(table, gate, policy)
    local = Local(workspaces, sources, entries, time.time, records.session)
    api = Api(
        place_of(settings.api_url),
        key,
        settings.frontend_origin,
        place_of(settings.ui_dev_origin, insecure=True) if settings.ui_dev_origin else None,
    )
    return FrontDoor(entries, sources, workspaces, local, api, wall=time.time, denied=records.denied)


def own_addresses() -> frozenset[Address]:
    """Addresses no target may have, whatever is listed: the API server's and this pod's."""
    found = set()
    for text in (os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("POD_IP", "")):
        try:
            found.add(ip_address(text))
        except ValueError:
            continue
    return frozenset(found)


async def review(client: Client, audience: str, token: str) -> Review:
    """Asks the API server about a token; raises guildnet.errors."""
    spec = {"token": token, "audiences": [audience]}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    answer = await client.create(TOKENREVIEWS, None, body)
    status: dict[str, Any] = answer.get("status") or {}
    if not status.get("authenticated") or audience not in (status.get("audiences") or ()):
        return Review(authenticated=False)
    user = status.get("user") or {}
    username, groups = str(user.get("username") or ""), tuple(user.get("groups") or ())
    return Review(authenticated=True, username=username, groups=groups)


def still_allowed(door: FrontDoor, record: Record) -> bool:
    """May what is open stay open? A workspace that is gone or stopped, or a right that is, closes it."""
    if record.identity is None or not record.workspace:
        return True
    workspace = door.workspaces.table.workspaces.get(record.workspace)
    if workspace is None or not workspace.spec.running:
        return False
    return door.workspaces.decide(record.identity, workspace).allowed


@asynccontextmanager
async def running(settings: Settings, *, registry: CollectorRegistry | None = None) -> AsyncIterator[Running]:
    """The whole proxy while the block runs; stops in order on the way out."""
    registry = registry or make_registry()
    key = read_key(settings.identity_key_file)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(kube.connect(settings.kubeconfig))
        table = Table()
        watches = Watches(client, settings.k8s_namespace, table)
        entries = entries_of(settings)
        local_api = LocalApi(settings.tailscaled_socket) if settings.tailnet_socket else None
        if local_api is not None:
            stack.push_async_callback(local_api.aclose)
        records = Records(registry, access_log=settings.access_log)
        stack.callback(records.flush)
        sources = Sources(
            Sessions(key, settings.install_name),
            audience=settings.token_audience,
            admin=settings.admin_service_account,
            review=lambda token: review(client, settings.token_audience, token),
            whois=local_api.whois if local_api is not None else None,
            clock=time.monotonic,
            wall=time.time,
        )
        stack.push_async_callback(sources.aclose)
        door = door_of(settings, table, entries, sources, records, key)
        health = Health()
        health.add("kubernetes", watches.check)
        ops = await stack.enter_async_context(serve_ops(settings.ops_port, health, registry, host=settings.ops_host))
        server = Server(door, records, first_byte=settings.first_byte_seconds)
        stack.push_async_callback(server.close)
        table.on_change.append(lambda _: server.revoke_soon(lambda record: still_allowed(door, record)))
        tasks = [asyncio.create_task(watches.run(), name="watches")]
        if local_api is not None:
            tailnet = Tailnet(settings, client, local_api, entries, table, watches.synced)
            tailnet.write_first()
            tasks.append(asyncio.create_task(tailnet.run(), name="tailnet"))
            await server.listen_unix(Path(settings.tailnet_socket))
        stack.push_async_callback(_cancel, tasks)
        host, _, port = settings.listen_local.rpartition(":")
        bound = await server.listen_tcp(host.strip("[]"), int(port))
        gc.collect()
        gc.freeze()
        logger.info("proxy listens", port=bound, ops=ops, tailnet=bool(local_api))
        yield Running(server, table, watches, bound, ops, tasks)


class Running:
    """What `running` yields: for tests and for `__main__`."""

    def __init__(
        self, server: Server, table: Table, watches: Watches, port: int, ops: int, tasks: list[asyncio.Task[None]]
    ) -> None:
        self.server = server
        self.table = table
        self.watches = watches
        self.port = port
        self.ops = ops
        self.tasks = tasks


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception) and not isinstance(result, Unreachable):
            logger.error("task failed", error=repr(result))
