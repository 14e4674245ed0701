"""JSON of the api as types. A test holds them to the OpenAPI document."""

from __future__ import annotations

from typing import Any, TypedDict


class ServerPort(TypedDict, total=False):
    """A port that a workspace serves."""

    port: int
    name: str
    pathMode: str
    url: str


class Condition(TypedDict, total=False):
    """A condition, as Kubernetes shows it."""

    type: str
    status: str
    reason: str
    message: str
    lastTransitionTime: str


class WorkspaceEvent(TypedDict, total=False):
    """A Kubernetes event, or the last change of a condition."""

    t: str
    type: str
    reason: str
    message: str
    object: str
    count: int
    condition: str
    status: str


class Login(TypedDict, total=False):
    """How to log in to the workspace's own program."""

    password: str


class Right(TypedDict, total=False):
    """Whether the caller may do one thing with a workspace."""

    action: str
    allowed: bool
    rule: str
    reason: str


class Server(TypedDict, total=False):
    """A workspace. Facts that are not known are absent."""

    id: str
    name: str
    image: str
    status: str
    reason: str
    message: str
    node: str
    owner: str
    created_at: str
    updated_at: str
    ports: list[ServerPort]
    resources: dict[str, str]
    command: list[str]
    args: list[str]
    env: dict[str, str]
    exposure: dict[str, str]
    notes: str
    files: str
    labels: dict[str, str]
    storage: dict[str, str]
    presetsRef: str
    events: list[WorkspaceEvent]
    conditions: list[Condition]
    url: str
    proxy_url: str
    restarts: int
    rights: list[Right]


class LogLine(TypedDict, total=False):
    """One log line."""

    t: str
    lvl: str
    msg: str
    container: str
    pod: str


class Me(TypedDict):
    """The caller."""

    login: str
    displayName: str
    kind: str
    roles: list[str]
    actions: list[str]


class ImagePreset(TypedDict, total=False):
    """An image on offer."""

    name: str
    label: str
    image: str
    description: str
    icon: str
    command: list[str]
    args: list[str]
    env: dict[str, str]
    ports: list[dict[str, Any]]
    pathMode: str
    resources: dict[str, str]
    storage: dict[str, str]
