"""The frozen values of a Workspace: spec, status, and the object around them.

They are Structs of msgspec, so that `reader` gets spec and status in one call: their fields are called as on the wire,
in Python's spelling. A unit test compares every field with the schema in `crds/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from guildnet.names import ANNOTATION_OWNER

Given = Annotated[str, Meta(min_length=1)]
"""Text that is not empty."""
_OTHERWISE: Final = {
    "service_dns": "serviceDNS",
    "service_ip": "serviceIP",
    "service_uid": "serviceUID",
    "external_url": "externalURL",
}


def wire_name(field: str) -> str:
    """`container_port` → `containerPort`: what a field is called on the wire."""
    first, *others = field.split("_")
    return _OTHERWISE.get(field) or first + "".join(map(str.capitalize, others))


class Phase(StrEnum):
    """`status.phase`."""

    PENDING = "Pending"
    RUNNING = "Running"
    STOPPED = "Stopped"
    FAILED = "Failed"
    TERMINATING = "Terminating"


class EnvVar(Struct, frozen=True, rename=wire_name):
    """One environment variable; `value_from` stays in its wire form ({secretKeyRef|configMapKeyRef: {name, key}})."""

    name: str = ""
    value: str | None = None
    value_from: Mapping[str, Any] | None = None


class Port(Struct, frozen=True, rename=wire_name):
    """A port the workspace serves; the first one is where its UI is."""

    container_port: int
    name: str | None = None
    protocol: str = "TCP"
    path_mode: str = "Strip"


class Resources(Struct, frozen=True, rename=wire_name):
    """Quantities by resource name, as written (`{"cpu": "500m"}`)."""

    requests: Mapping[str, str] = msgspec.field(default_factory=dict)
    limits: Mapping[str, str] = msgspec.field(default_factory=dict)


class Exposure(Struct, frozen=True, rename=wire_name):
    """How a workspace is reachable past the proxy, where the install consents to it."""

    type: str = "ClusterIP"
    domain: str | None = None
    ingress_class: str | None = None
    tls_issuer: str | None = None


class Storage(Struct, frozen=True, rename=wire_name):
    """A volume of its own; `retain` keeps it when the Workspace is deleted."""

    size: str
    storage_class_name: str | None = None
    mount_path: str | None = None
    retain: bool = False


class Probe(Struct, frozen=True, rename=wire_name):
    """How to tell that the workspace answers; seconds and counts as Kubernetes means them, None for the default."""

    type: Given
    path: str | None = None
    port: int | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None
    failure_threshold: int | None = None
    startup_seconds: int | None = None


class WorkspaceSpec(Struct, frozen=True, rename=wire_name):
    """What is wanted. None and empty mean "not said": defaults are the operator's business."""

    image: Given
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    ports: tuple[Port, ...] = ()
    resources: Resources = Resources()
    exposure: Exposure | None = None
    storage: Storage | None = None
    running: bool = True
    probe: Probe | None = None
    presets_ref: str | None = None
    notes: str | None = None


class OriginPort(Struct, frozen=True, rename=wire_name):
    """The port of the tailnet name that is the origin of one container port."""

    container_port: int
    port: int


class Origin(Struct, frozen=True, rename=wire_name):
    """The workspace's own origin, one part per kind of entry: a port of the tailnet name, a label beside a host.

    `ports` are those of the container ports behind the first that somebody asked for.
    """

    port: int | None = None
    host: str | None = None
    ports: tuple[OriginPort, ...] = ()

    @property
    def all_ports(self) -> tuple[int, ...]:
        """Every port of the tailnet name that is this workspace's."""
        return (*((self.port,) if self.port else ()), *(item.port for item in self.ports))

    def port_of(self, container_port: int) -> int | None:
        """The port of the tailnet name of another container port than the first."""
        return next((item.port for item in self.ports if item.container_port == container_port), None)


class Condition(Struct, frozen=True, rename=wire_name):
    """A Kubernetes condition; `last_transition_time` is RFC 3339 as written."""

    type: str = ""
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    observed_generation: int | None = None


KEPT: Final = "kept"
LOST_ON_STOP: Final = "lost on stop"


class WorkspaceStatus(Struct, frozen=True, rename=wire_name):
    """What the operator observed last. `files` is KEPT or LOST_ON_STOP: what becomes of them when it stops."""

    observed_generation: int = 0
    phase: Phase | None = None
    ready_replicas: int = 0
    service_dns: str | None = None
    service_ip: str | None = None
    service_uid: str | None = None
    external_url: str | None = None
    url: str | None = None
    proxy_target: str | None = None
    origin: Origin | None = None
    node: str | None = None
    pod_name: str | None = None
    restarts: int = 0
    startup_seconds: int | None = None
    last_error: str | None = None
    files: str | None = None
    conditions: tuple[Condition, ...] = ()

    def condition(self, type_: str) -> Condition | None:
        """The condition of this type, or None."""
        return next((item for item in self.conditions if item.type == type_), None)


class Workspace(Struct, frozen=True):
    """One Workspace object."""

    name: str
    namespace: str
    uid: str
    spec: WorkspaceSpec
    status: WorkspaceStatus = WorkspaceStatus()
    generation: int = 0
    resource_version: str = ""
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    created_at: datetime | None = None
    deleting: bool = False

    @property
    def owner(self) -> str:
        """The subject that launched it, or ""."""
        return self.annotations.get(ANNOTATION_OWNER, "")
