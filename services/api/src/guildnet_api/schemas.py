"""The shapes of the answers, for the OpenAPI document: what `servers`, `logs` and the handlers build, told as models.

Nothing is built through these at run time; a test validates real answers against the document.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from guildnet_api.workspaces.presets import Preset


class Detail(BaseModel):
    """One field that cannot be accepted."""

    field: str
    reason: str


class Error(BaseModel):
    """Every refusal. `code` is stable; `message` says what to do next."""

    code: str
    message: str
    request_id: str | None = None
    details: list[Detail] | None = None


class ServerPort(BaseModel):
    port: int
    name: str | None = None


class ServerResources(BaseModel):
    cpu: str | None = None
    memory: str | None = None


class TimelineEntry(BaseModel):
    """A Kubernetes event, or the last change of a condition (`type` Condition)."""

    t: str
    type: str
    reason: str
    message: str
    object: str
    count: int | None = None
    condition: str | None = None
    status: str | None = None


class ServerCondition(BaseModel):
    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    lastTransitionTime: str | None = None  # noqa: N815 - Kubernetes' name


class Server(BaseModel):
    """A workspace. `url` is its own origin as the caller's entry sees it; events and conditions come with detail."""

    id: str
    name: str
    image: str
    status: Literal["pending", "running", "failed", "stopped"]
    reason: str | None = None
    message: str | None = None
    node: str | None = None
    owner: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    ports: list[ServerPort] | None = None
    resources: ServerResources | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    notes: str | None = None
    events: list[TimelineEntry] | None = None
    conditions: list[ServerCondition] | None = None
    url: str | None = None
    proxy_url: str


class LogLine(BaseModel):
    """One line; `t` is the line's own time."""

    t: str | None = None
    lvl: Literal["debug", "info", "error"] | None = None
    msg: str | None = None
    container: str | None = None
    pod: str | None = None
    seq: int | None = None


class Launched(BaseModel):
    id: str
    status: Literal["pending"]


class Deleted(BaseModel):
    deleted: str


class AllDeleted(BaseModel):
    deleted: list[str]
    dryRun: bool | None = None  # noqa: N815 - the name on the wire


class UiConfig(BaseModel):
    name: str
    version: str
    originMode: Literal["host", "port", "path"]  # noqa: N815 - the name on the wire
    features: dict[str, bool]


class Me(BaseModel):
    login: str
    displayName: str  # noqa: N815 - the name on the wire
    kind: Literal["user", "node", "token", "anonymous"]
    roles: list[str]
    actions: list[str]


class ImagePreset(Preset):
    """One image on offer."""


class ImageDefaults(BaseModel):
    """What is known to suit an image; empty for an unknown one."""

    model_config = ConfigDict(extra="allow")

    ports: list[ServerPort] | None = None
    env: dict[str, str] | None = None


class Check(BaseModel):
    ok: bool
    message: str | None = None


class Readiness(BaseModel):
    status: str
    checks: dict[str, Check] = Field(description="kubernetes, crds, redis, cache")
