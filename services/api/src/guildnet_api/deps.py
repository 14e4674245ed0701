"""Dependencies of request handlers as one value, composed in `app` and by tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from guildnet.identity import ANONYMOUS, Identity
from guildnet.kube.client import Client
from guildnet.telemetry import Health
from guildnet_api.access.admission import Admission
from guildnet_api.access.audit import Actor, AuditTrail
from guildnet_api.access.authorize import Authorizer
from guildnet_api.access.visibility import Visibility
from guildnet_api.cluster.install_state import InstallState
from guildnet_api.cluster.storage import DefaultStorage
from guildnet_api.cluster.usage import Usage
from guildnet_api.cluster.watches import Watches
from guildnet_api.http.event_stream import StreamSupervisor
from guildnet_api.http.limits import Limits
from guildnet_api.logs.hub import Hub
from guildnet_api.logs.source.kubelet import LogSource
from guildnet_api.logs.worker import Worker
from guildnet_api.metrics import Metrics
from guildnet_api.settings import Settings
from guildnet_api.workspaces.presets import Preset

IDENTITY = "guildnet.identity"
REQUEST_ID = "guildnet.web.request_id"
TRACEPARENT = "guildnet.traceparent"
"""Key of the scope with the request's span, while traces are on."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one api process. `now` is the time in Unix seconds."""

    settings: Settings
    client: Client
    watches: Watches
    authorizer: Authorizer
    visibility: Visibility
    audit: AuditTrail
    admission: Admission
    presets: Sequence[Preset]
    default_storage: DefaultStorage
    install: InstallState
    usage: Usage
    hub: Hub
    source: LogSource
    worker: Worker
    supervisor: StreamSupervisor
    limits: Limits
    health: Health
    metrics: Metrics
    key: bytes
    login_key: bytes | None
    """What passwords of workspaces are derived from; None where they are not."""
    now: Callable[[], float]
    version: str
    document: Mapping[str, Any]
    """The OpenAPI document."""


def actor(request: Request) -> Actor:
    return Actor(
        request.scope.get(IDENTITY, ANONYMOUS), request.scope.get(REQUEST_ID, ""), request.scope.get(TRACEPARENT, "")
    )


def identity(request: Request) -> Identity:
    return actor(request).identity
