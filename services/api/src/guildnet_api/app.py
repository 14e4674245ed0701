"""Composition: the parts of a process from its settings, the application from its routes and middleware."""

from __future__ import annotations

import time
from secrets import token_hex

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Scope

from guildnet import signed
from guildnet.errors import Invalid
from guildnet.kube.client import Client
from guildnet.telemetry import make_registry
from guildnet.tracing import Tracer
from guildnet.web import security_headers
from guildnet.workspace import app_login
from guildnet_api import routes
from guildnet_api.access.admission import Admission
from guildnet_api.access.audit import AuditTrail
from guildnet_api.access.authorize import Authorizer
from guildnet_api.access.visibility import Visibility
from guildnet_api.cluster.install_state import InstallState
from guildnet_api.cluster.storage import DefaultStorage
from guildnet_api.cluster.usage import Usage
from guildnet_api.cluster.watches import Watches
from guildnet_api.deps import IDENTITY, Services
from guildnet_api.health import ApiHealth
from guildnet_api.http.event_stream import StreamSupervisor
from guildnet_api.http.limits import Bounds, Limits
from guildnet_api.http.middleware import BodyLimits, ErrorResponses, RequestLog, SecurityHeaders, SignedIdentity
from guildnet_api.http.request_limits import RequestLimits, RequestTurns
from guildnet_api.http.request_spans import RequestSpans
from guildnet_api.http.static import Ui
from guildnet_api.logs.filtered import RingLimits
from guildnet_api.logs.hub import Hub, HubLimits
from guildnet_api.logs.redis.replica import Replica
from guildnet_api.logs.source.follower import Follower
from guildnet_api.logs.source.kubelet import KubeletLogs, LogSource
from guildnet_api.logs.source.run_state import RunLogs, RunState
from guildnet_api.logs.worker import Worker
from guildnet_api.metrics import Metrics
from guildnet_api.openapi import document
from guildnet_api.settings import Settings
from guildnet_api.workspaces import presets


def compose(
    settings: Settings,
    client: Client,
    redis: Redis | None,
    *,
    release: str,
    source: LogSource | None = None,
    audit: AuditTrail | None = None,
) -> tuple[Services, CollectorRegistry]:
    """The parts of this `release`, and their metrics registry.

    `source` and `audit` are the cluster's and stdout's unless given.
    Raises Invalid for a key or presets that cannot be used.
    """
    registry = make_registry()
    metrics = Metrics(registry)
    watches = Watches(client, settings.k8s_namespace)
    runs = RunState(watches.index)
    lines = RunLogs(source or _kubelet(settings, client), runs)
    trail = audit or AuditTrail()
    supervisor = StreamSupervisor(metrics, settings.slow_viewer_seconds)
    replica = Replica(redis, _owner(settings), settings.log_lines, metrics) if redis else None
    hub = _hub(settings, runs, lines, replica, metrics)
    supervisor.on_close(hub.wake)
    supervisor.on_close(watches.index.signal.notify)
    authorizer = Authorizer(watches, settings.access_default, trail)
    services = Services(
        settings=settings,
        client=client,
        watches=watches,
        authorizer=authorizer,
        visibility=Visibility(authorizer),
        audit=trail,
        admission=Admission(watches),
        presets=_presets(settings),
        default_storage=DefaultStorage(settings, client),
        install=InstallState(settings, client, release),
        usage=Usage(client, settings.k8s_namespace),
        hub=hub,
        source=lines,
        worker=Worker(),
        supervisor=supervisor,
        limits=Limits(_bounds(settings)),
        health=ApiHealth(client, watches, replica),
        metrics=metrics,
        key=signed.read_key(settings.identity_key_file),
        login_key=app_login.key_of(settings.workspace_key_file),
        now=time.time,
        version=release,
        document=document.document(routes.ROWS, release),
    )
    return services, registry


def application(services: Services, ui: Ui, tracer: Tracer | None = None) -> Starlette:
    """Routes from their table, the UI for every other path, middleware as a list, outermost first."""
    traced = [Middleware(RequestSpans, tracer=tracer)] if tracer else []

    def headers(scope: Scope) -> list[tuple[bytes, bytes]]:
        who = scope.get(IDENTITY)
        return list(security_headers.headers(who.entry if who else None, ui.scripts, ui.styles))

    return Starlette(
        routes=[*routes.build(services), Mount("/", app=ui)],
        middleware=[
            Middleware(RequestLog, metrics=services.metrics),
            *traced,
            Middleware(RequestTurns),
            Middleware(SecurityHeaders, headers=headers),
            Middleware(ErrorResponses),
            Middleware(SignedIdentity, key=services.key, now=services.now, refused=services.audit.unidentified),
            Middleware(RequestLimits, limits=services.limits),
            Middleware(BodyLimits),
        ],
        exception_handlers={HTTPException: _raise},
    )


def _owner(settings: Settings) -> str:
    """The name of this process in the leases of logs: another one after every start."""
    return f"{settings.hostname or 'api'}-{token_hex(4)}"


def _kubelet(settings: Settings, client: Client) -> KubeletLogs:
    # Twice the limit, so that a line that is cut there is known to be longer.
    max_line_bytes = settings.log_line_bytes * 2
    return KubeletLogs(client, settings.k8s_namespace, max_line_bytes, settings.log_rate_bytes)


def _hub(settings: Settings, state: RunState, source: LogSource, replica: Replica | None, metrics: Metrics) -> Hub:
    follower = Follower(source, state, settings.log_lines, settings.log_line_bytes, report=lambda _: None)
    rings = RingLimits(settings.log_lines, settings.log_bytes)
    limits = HubLimits(rings, settings.log_linger_seconds, settings.log_direct_follows)
    return Hub(follower, replica, limits, metrics)


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        rate=settings.limit_request_rate,
        burst=settings.limit_request_burst,
        requests=settings.limit_requests,
        readings=settings.limit_readings,
        streams=settings.limit_streams,
        searches=settings.limit_searches,
    )


def _presets(settings: Settings) -> tuple[presets.Preset, ...]:
    path = settings.presets_file
    if path is None:
        return ()
    try:
        return presets.parse(path.read_text(), str(path))
    except OSError as error:
        raise Invalid(f"the presets {path} cannot be read: {error.strerror}") from None


async def _raise(_request: Request, error: Exception) -> Response:
    """Starlette would send its own refusals as plain text; they go out by the same table as ours."""
    raise error
