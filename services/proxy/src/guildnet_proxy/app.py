"""Composition: settings in, every part made once and joined, run until told to stop."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Gauge

from guildnet import kube, tracing
from guildnet.errors import Unreachable
from guildnet.process import collect_less, first_to_end, give_back_memory
from guildnet.signed import derive_key, read_key
from guildnet.telemetry import Health, logger, make_registry, serve_ops
from guildnet.web.entries import DEFAULT_PORTS
from guildnet.workspace.app_login import key_of
from guildnet_proxy.access_log import Records
from guildnet_proxy.admission import Admission
from guildnet_proxy.auth import identity_listener
from guildnet_proxy.auth.authenticate import Authenticator
from guildnet_proxy.auth.ended_sessions import ConfigMapStore, EndedSessions
from guildnet_proxy.auth.sessions import Sessions
from guildnet_proxy.auth.token_review import review_token
from guildnet_proxy.auth.used_tickets import UsedInFolder
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.cluster.last_known import LastKnown
from guildnet_proxy.cluster.own_addresses import OwnAddresses
from guildnet_proxy.cluster.own_watches import OwnWatches, hosts_of
from guildnet_proxy.cluster.port_forward import PortForward
from guildnet_proxy.cluster.watches import Watches
from guildnet_proxy.frontdoor.dispatch import Api, FrontDoor
from guildnet_proxy.frontdoor.egress import EgressGuard, parse_allowed, parse_networks, resolve_name
from guildnet_proxy.frontdoor.own_routes import OwnRoutes
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.frontdoor.way import Policy
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http import exchange
from guildnet_proxy.http.forward import Place
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.server import Server
from guildnet_proxy.http.upstream import unverified_tls
from guildnet_proxy.processes.share import Share
from guildnet_proxy.request_metrics import AdmissionMetrics, MemoMetrics
from guildnet_proxy.request_spans import RequestSpans
from guildnet_proxy.revocation import Revocation, still_allowed
from guildnet_proxy.settings import Settings
from guildnet_proxy.sites import Sites
from guildnet_proxy.tailnet.localapi import LocalApi
from guildnet_proxy.tailnet.node import Tailnet
from guildnet_proxy.tailnet.port_requests import PortRequests
from guildnet_proxy.tailnet.ports import ports_of

FIRST_SYNC_SECONDS = 2.0
"""For learning which sessions have ended before anybody is let in."""

COMPILED = not (exchange.__file__ or "").endswith(".py")
"""Is the data path the image's extension modules? Else it is the same sources, run as Python."""


def sites_of(settings: Settings) -> Sites:
    """The sites of the configured entries; the tailnet's name is learnt later."""
    return Sites(
        settings.entries(None),
        tailnet_mode=settings.tailnet_mode if settings.has_tailnet else None,
        scheme=settings.tailnet_scheme,
        port=settings.tailnet_control_port,
    )


def place_of(url: str, *, insecure: bool = False) -> Place:
    """The Place of an http(s) URL without a path; the name is resolved at every new connection."""
    parts = urlsplit(url)
    tls = None
    if parts.scheme == "https":
        tls = unverified_tls() if insecure else ssl.create_default_context()
    host = parts.hostname or ""
    return Place(host, parts.port or DEFAULT_PORTS[parts.scheme], tls, host)


def door_of(
    settings: Settings,
    index: Index,
    sites: Sites,
    authenticator: Authenticator,
    records: Records,
    key: bytes,
    own: OwnAddresses,
) -> FrontDoor:
    policy = Policy(
        namespace=settings.k8s_namespace,
        cluster_domain=settings.cluster_domain,
        access_default=settings.access_default,
        audience=settings.token_audience,
        path_trusted=settings.path_trusted,
        insecure_tls=unverified_tls(),
        verified_tls=ssl.create_default_context(cafile=settings.upstream_ca_file or None),
        cross_site=settings.cross_site,
        login_key=key_of(settings.workspace_key_file),
        cookie_key=derive_key(key, "cookie-names"),
    )
    pods = parse_networks(settings.pod_networks)
    egress = EgressGuard(parse_allowed(settings.allowed_targets), index.at, own=own, pods=pods)
    admission = Admission(
        streams=settings.streams_per_workspace,
        requests=settings.requests_per_identity,
        upgrades=settings.upgrades_per_identity,
    )
    workspaces = Workspaces(index, egress, policy, admission)
    own_routes = OwnRoutes(workspaces, authenticator, time.time, records.session, settings.frontend_origin)
    api = Api(
        place_of(settings.api_url),
        key,
        settings.frontend_origin,
        place_of(settings.ui_dev_origin, insecure=True) if settings.ui_dev_origin else None,
    )
    return FrontDoor(
        sites, authenticator, workspaces, own_routes, api, wall=time.time, denied=records.denied, spans=records.spans
    )


def own_of(settings: Settings) -> OwnAddresses:
    """The addresses that settings name; the watches add the others."""
    return OwnAddresses(settings.pod_ip, settings.kubernetes_service_host, *settings.denied_hosts)


def last_known_of(settings: Settings, index: Index, watches: Watches) -> LastKnown | None:
    """What keeps the table of an earlier run, which is restored now; None where no file is configured."""
    if not settings.last_known_file:
        return None
    last_known = LastKnown(
        Path(settings.last_known_file),
        settings.k8s_namespace,
        index,
        seconds=settings.last_known_seconds,
        age=watches.age,
        forget=watches.forget,
        wall=time.time,
    )
    last_known.restore()
    return last_known


def _keeping(last_known: LastKnown | None, share: Share | None) -> list[asyncio.Task[None]]:
    if last_known is None:
        return []
    return [asyncio.create_task(last_known.run(writes=share is None or share.leads), name="last known table")]


def limits_of(settings: Settings, share: Share | None = None) -> Limits:
    """The engine's bounds, as far as they are settings, or a process' part of them."""
    limits = Limits(
        first_byte_seconds=settings.first_byte_seconds,
        drain_delay_seconds=settings.drain_delay_seconds,
        drain_seconds=settings.drain_seconds,
    )
    return limits if share is None else share.limits(limits)


def _ops(
    settings: Settings, health: Health, registry: CollectorRegistry, share: Share | None
) -> AbstractAsyncContextManager[int]:
    """The listener for kubelet and Prometheus; the parent's where there is one."""
    if share is None:
        return serve_ops(settings.ops_port, health, registry, host=settings.ops_host)
    share.ops.unlink(missing_ok=True)
    return serve_ops(0, health, registry, path=share.ops)


@asynccontextmanager
async def running(
    settings: Settings, *, registry: CollectorRegistry | None = None, share: Share | None = None
) -> AsyncIterator[Running]:
    """The whole proxy while the block runs; stops in order on the way out. `share` is its part, where it is one of
    several processes."""
    settings = settings if share is None else share.settings(settings)
    registry = registry or make_registry()
    key = read_key(settings.identity_key_file)
    async with AsyncExitStack() as stack:
        tracer = await stack.enter_async_context(
            tracing.tracer("proxy", version("guildnet-proxy"), settings.otel_exporter_otlp_endpoint)
        )
        client = await stack.enter_async_context(kube.connect(settings.kubeconfig))
        index = Index()
        watches = Watches(client, settings.k8s_namespace, index)
        last_known = last_known_of(settings, index, watches)
        sites = sites_of(settings)
        local_api = LocalApi(settings.tailscaled_socket) if settings.has_tailnet else None
        if local_api is not None:
            stack.push_async_callback(local_api.aclose)
        spans = RequestSpans(tracer) if tracer else None
        records = Records(registry, access_log=settings.access_log, spans=spans)
        stack.callback(records.close)
        authenticator = Authenticator(
            Sessions(key, settings.install_name, UsedInFolder(share.used_tickets) if share is not None else None),
            audience=settings.token_audience,
            admin=settings.admin_service_account,
            review=lambda token: review_token(client, settings.token_audience, token),
            whois=local_api.whois if local_api is not None else None,
            clock=time.monotonic,
            wall=time.time,
            ended=EndedSessions(
                ConfigMapStore(client, settings.release_namespace, settings.entries_configmap), time.time
            ),
            identity_proxy=settings.identity_proxy,
        )
        stack.push_async_callback(authenticator.aclose)
        with suppress(TimeoutError):  # an API server that does not answer keeps nobody from starting
            async with asyncio.timeout(FIRST_SYNC_SECONDS):
                await authenticator.ended.sync()
        own = own_of(settings)
        own.on_change.append(index.touch)
        own_watches = OwnWatches(
            client, settings.release_namespace, own, tuple(hosts_of(settings.denied_hosts)), resolve_name
        )
        door = door_of(settings, index, sites, authenticator, records, key, own)
        engine = Gauge("guildnet_proxy_engine_info", "1, by what the data path is.", ("compiled",), registry=registry)
        engine.labels(str(COMPILED).lower()).set(1)
        health = Health()
        health.add("kubernetes", watches.check)
        ops = await stack.enter_async_context(_ops(settings, health, registry, share))
        server = Server(door, records, limits_of(settings, share))
        if settings.by_api_server:
            forwarding = PortForward(client, settings.k8s_namespace, index.pod_at)
            stack.push_async_callback(forwarding.aclose)
            server.pool.open = forwarding.open
        MemoMetrics(registry, server.heads)
        AdmissionMetrics(registry, door.workspaces.admission)
        health.add("engine", server.problem)
        index.on_change.append(lambda _: server.revoke_soon(lambda record: still_allowed(door.workspaces, record)))
        revocation = Revocation(authenticator, door.workspaces, server.opened, server.revoke)
        tasks = [
            asyncio.create_task(watches.run(), name="watches"),
            asyncio.create_task(own_watches.run(), name="own addresses"),
            asyncio.create_task(revocation.run(), name="revocation"),
            asyncio.create_task(give_back_memory(), name="memory"),
            *_keeping(last_known, share),
            server.sweeper,
        ]
        # What is open lives on while the process stops, and the watches with it.
        stack.push_async_callback(_cancel, tasks)
        stack.push_async_callback(server.close)
        if local_api is not None:
            leads = share is None or share.leads
            ports = ports_of(settings, server, local_api, tasks, shared=share is not None)
            tailnet = Tailnet(settings, client, local_api, sites, index, watches.synced, ports)
            requests = PortRequests(settings, client, index, watches.synced)
            door.workspaces.path_form.ports = requests
            tasks.append(asyncio.create_task(tailnet.run(leads=leads), name="tailnet"))
            tasks.append(asyncio.create_task(requests.run(leads=leads), name="port requests"))
        if settings.tailnet_socket:
            if share is None:
                await server.listen_unix(Path(settings.tailnet_socket))
            else:
                await server.accept_unix(share.tailnet)
        host, _, port = settings.listen_local.rpartition(":")
        bound = await server.listen_tcp(host.strip("[]"), int(port), shared=share is not None)
        if where := settings.identity_proxy_listen:
            await identity_listener.listen(
                server, where, settings.identity_proxy_trusted, tasks, shared=share is not None
            )
        collect_less()
        logger.info("proxy listens", port=bound, ops=ops, tailnet=bool(local_api), compiled=COMPILED)
        yield Running(server, index, watches, own, bound, ops, tasks)


class Running:
    """What `running` yields: for tests and for `__main__`."""

    def __init__(
        self,
        server: Server[Record],
        index: Index,
        watches: Watches,
        own: OwnAddresses,
        port: int,
        ops: int,
        tasks: list[asyncio.Task[None]],
    ) -> None:
        self.server = server
        self.index = index
        self.watches = watches
        self.own = own
        self.port = port
        self.ops = ops
        self.tasks = tasks


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception) and not isinstance(result, Unreachable):
            logger.error("task failed", error=repr(result))


async def serve(settings: Settings, stop: asyncio.Event, share: Share | None = None) -> None:
    """The proxy until `stop` is set, or a part of it ends."""
    async with running(settings, share=share) as proxy:
        await first_to_end(stop, *proxy.tasks)
        logger.info("proxy stops")
