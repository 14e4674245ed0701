"""A Workspace as frozen values: its types, its wire form read and written, and the URL of its own origin.

`replace` is one of them with other fields."""

from msgspec.structs import replace

from guildnet.workspace.model import (
    KEPT,
    LOST_ON_STOP,
    Condition,
    EnvVar,
    Exposure,
    Origin,
    OriginPort,
    Phase,
    Port,
    Probe,
    Resources,
    Storage,
    Workspace,
    WorkspaceSpec,
    WorkspaceStatus,
)
from guildnet.workspace.origin import first_port, origin_url, origin_urls, other_ports
from guildnet.workspace.reader import parse
from guildnet.workspace.writer import status_to_wire, to_wire

__all__ = [
    "KEPT",
    "LOST_ON_STOP",
    "Condition",
    "EnvVar",
    "Exposure",
    "Origin",
    "OriginPort",
    "Phase",
    "Port",
    "Probe",
    "Resources",
    "Storage",
    "Workspace",
    "WorkspaceSpec",
    "WorkspaceStatus",
    "first_port",
    "origin_url",
    "origin_urls",
    "other_ports",
    "parse",
    "replace",
    "status_to_wire",
    "to_wire",
]
