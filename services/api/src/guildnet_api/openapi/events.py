"""Events of the streams for the OpenAPI document: the model of each, and which stream sends it by which name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, Field

from guildnet_api.openapi.schemas import LogLine, Server, WorkspaceEvent


class SourceEvent(BaseModel):
    """`source`: the lines after it are of this run of a container."""

    pod: str
    container: str
    restart: int


class StatusEvent(BaseModel):
    """`status`: why there is no line, or whether lines are shared between replicas (`degraded`)."""

    reason: str
    message: str
    degraded: bool | None = None


class GapEvent(BaseModel):
    """`gap`: lines that cannot be sent."""

    reason: str
    message: str
    after: str | None = Field(default=None, description="The id after which they are missing.")
    lines: int | None = Field(default=None, description="How many, where that is known.")


class CutEvent(BaseModel):
    """`cut`: the last event of a reader that is too slow or asks too much; it may connect again."""

    reason: str
    message: str
    lastEventId: str = Field(description="The id to go on after.")  # noqa: N815  the name on the wire


class EndEvent(BaseModel):
    """`end`: nothing follows; a browser that is not told so opens the stream again."""


class PingEvent(BaseModel):
    """`ping`: nothing else was sent for 15 seconds; who hears nothing for 30 may take the connection for lost."""


class GoneEvent(BaseModel):
    """`gone`: the workspace was deleted, or is hidden from the reader now."""

    id: str


class SyncedEvent(BaseModel):
    """`synced`: everything was told. With `full` every workspace there is, with their ids."""

    full: bool
    ids: list[str] | None = None


class StaleEvent(BaseModel):
    """`stale`: seconds since the cluster confirmed what was told; 0 when it does again."""

    seconds: int


STREAM_EVENTS: Final[Mapping[str, Mapping[str, type[BaseModel]]]] = {
    "streamLogs": {
        "message": LogLine,
        "source": SourceEvent,
        "status": StatusEvent,
        "gap": GapEvent,
        "event": WorkspaceEvent,
        "cut": CutEvent,
        "end": EndEvent,
        "ping": PingEvent,
    },
    "streamServers": {
        "server": Server,
        "gone": GoneEvent,
        "synced": SyncedEvent,
        "stale": StaleEvent,
        "ping": PingEvent,
    },
}
"""The events of each stream by name; `message` stands for those without one."""
