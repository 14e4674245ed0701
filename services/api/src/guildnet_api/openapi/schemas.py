"""Models of responses for the OpenAPI document; docstrings and descriptions are its texts.

Nothing is built through these at run time: a test validates real responses against the document.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from guildnet.access import Action
from guildnet_api.workspaces.presets import Preset
from guildnet_api.workspaces.spec import Expose, Exposure, Resources, Storage


class Detail(BaseModel):
    """One field that cannot be accepted."""

    field: str = Field(description="Path of the field in the body, like `expose[0].port`, or name of the parameter.")
    reason: str


class Error(BaseModel):
    """The body of every error response."""

    code: str = Field(description="Stable name of the error, for programs.")
    message: str = Field(description="What is wrong and what to do next, for people.")
    request_id: str | None = Field(default=None, description="As in the response's header X-Request-Id.")
    details: list[Detail] | None = None


class StreamHint(BaseModel):
    """What `/sse/logs` tells a client that asks for JSON."""

    target: str
    stream: bool
    message: str


class ServerPort(BaseModel):
    """A port that a workspace serves."""

    port: int
    name: str | None = None
    url: str | None = Field(
        default=None, description="Of its own origin on this entry; without one `proxy_url` and `~PORT/` lead there."
    )
    pathMode: Literal["Strip", "Preserve"] | None = Field(  # noqa: N815  the name on the wire
        default=None, description="In the detail only."
    )


class ServerResources(BaseModel):
    """The limit of each resource, or where there is none the request, as Kubernetes quantities (`500m`, `2Gi`)."""

    cpu: str | None = None
    memory: str | None = None


class WorkspaceEvent(BaseModel):
    """A Kubernetes event of a workspace or its children, or the last change of a condition (`type` is `Condition`)."""

    t: str = Field(description="RFC 3339 time; of an event that was repeated, the last time.")
    type: str = Field(description="`Normal`, `Warning` or `Condition`.")
    reason: str
    message: str
    object: str = Field(description="What it is about, as KIND/NAME.")
    count: int | None = Field(default=None, description="How often the event happened.")
    condition: str | None = Field(default=None, description="Type of the condition.")
    status: str | None = Field(default=None, description="Status of the condition: `True`, `False` or `Unknown`.")


class ServerCondition(BaseModel):
    """A condition of the Workspace, as Kubernetes shows it."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    lastTransitionTime: str | None = Field(default=None, description="RFC 3339 time.")  # noqa: N815  Kubernetes' name


class Right(BaseModel):
    """Whether the caller may do one thing with a workspace."""

    action: Action
    allowed: bool
    rule: str = Field(description="The rule that says so, such as `capability/NAME` or `default-open`.")
    reason: str | None = Field(default=None, description="Why not, in words for the caller.")


class Server(BaseModel):
    """A workspace. Facts that are not known are absent."""

    id: str
    name: str = Field(description="The same as `id`.")
    image: str
    status: Literal["pending", "running", "failed", "stopped"]
    reason: str | None = Field(default=None, description="Why it is not simply running, in one word.")
    message: str | None = Field(default=None, description="Why it is not simply running, in a sentence.")
    node: str | None = Field(default=None, description="The Kubernetes node that its pod is on.")
    owner: str | None = Field(default=None, description="Who launched it: the login of a user, else KIND:NAME.")
    created_at: str | None = Field(default=None, description="RFC 3339 time.")
    updated_at: str | None = Field(default=None, description="RFC 3339 time of the last change of a condition.")
    ports: list[ServerPort] | None = Field(default=None, description="The ports that are served; the first has the UI.")
    resources: ServerResources | None = None
    command: list[str] | None = Field(default=None, description="In the detail only.")
    args: list[str] | None = None
    env: dict[str, str] | None = Field(
        default=None, description="Environment variables; the values of secrets are shown as `********`."
    )
    notes: str | None = None
    files: Literal["kept", "lost on stop"] | None = Field(
        default=None, description="What becomes of the files below the mount path of its volume when it stops."
    )
    restarts: int | None = Field(default=None, description="How often its container was started again, where it was.")
    labels: dict[str, str] | None = Field(default=None, description="In the detail only, without GuildNet's own.")
    storage: Storage | None = Field(default=None, description="In the detail only.")
    exposure: Exposure | None = Field(default=None, description="In the detail only.")
    presetsRef: str | None = Field(  # noqa: N815  the name on the wire
        default=None, description="In the detail only: the preset that it was launched with."
    )
    events: list[WorkspaceEvent] | None = Field(default=None, description="In the detail only, oldest first.")
    conditions: list[ServerCondition] | None = Field(default=None, description="In the detail only.")
    rights: list[Right] | None = Field(
        default=None, description="In the detail only: what the caller may do with it. A restart is a stop and a start."
    )
    url: str | None = Field(
        default=None, description="URL of its own origin, as reachable through the entry that the request came by."
    )
    proxy_url: str = Field(description="Path of the workspace below the control origin.")


class LogLine(BaseModel):
    """One log line."""

    t: str | None = Field(default=None, description="The line's own time, RFC 3339 with nanoseconds.")
    lvl: Literal["debug", "info", "error"] | None = Field(
        default=None, description="Level, as far as the line lets one tell; warnings are `info`."
    )
    msg: str | None = None
    container: str | None = None
    pod: str | None = None


class Launched(BaseModel):
    """A workspace that was created."""

    id: str
    status: Literal["pending"]


class Deleted(BaseModel):
    """The id of the workspace that was deleted."""

    deleted: str


class Login(BaseModel):
    """How to log in to the workspace's own program. Through the proxy the images of GuildNet need no login."""

    password: str


class AllDeleted(BaseModel):
    """The ids of the workspaces that were deleted, or with `dryRun` would be."""

    deleted: list[str]
    dryRun: bool | None = None  # noqa: N815  the name on the wire


class IncompleteError(Error):
    """The error `incomplete` of a stop-all: what was deleted, and in `details` what was not."""

    code: Literal["incomplete"]
    deleted: list[str]


class UiConfig(BaseModel):
    """What a UI has to know of the install."""

    name: str
    version: str
    originMode: Literal["host", "port", "path"] = Field(  # noqa: N815  the name on the wire
        description="Whether workspaces have hosts, ports or only paths of their own on the entry of the request."
    )
    features: dict[str, bool]


class OperatorState(BaseModel):
    """The operator as its Lease tells: who leads, and what that one said when it renewed it last."""

    leads: bool = Field(description="Whether one leads now; else nothing is done about changes of workspaces.")
    name: str | None = Field(default=None, description="Of its pod.")
    heardSeconds: float = Field(description="Since it renewed its Lease.")  # noqa: N815  the name on the wire
    queueSeconds: float | None = Field(  # noqa: N815  the name on the wire
        default=None, description="How long its oldest change has waited for a worker."
    )
    watchSeconds: float | None = Field(  # noqa: N815  the name on the wire
        default=None, description="Since the API server last spoke to it, which it does every minute."
    )
    portsLeft: int | None = Field(  # noqa: N815  the name on the wire
        default=None, description="Ports of the tailnet name that no workspace ever had."
    )


class InstallState(BaseModel):
    """What the parts of the install have said of themselves, at most some seconds old. What is not known is absent."""

    versions: dict[str, str] = Field(description="Of `api`, `operator` and `kubernetes`.")
    tailnet: str | None = Field(default=None, description="The install's name on the tailnet.")
    operator: OperatorState | None = None


class Me(BaseModel):
    """The caller."""

    login: str
    displayName: str  # noqa: N815  the name on the wire
    kind: Literal["user", "node", "token", "anonymous"]
    roles: list[str]
    actions: list[Action] = Field(description="Actions that are allowed on at least some workspace.")


class ImagePreset(Preset):
    """One image on offer, and what a launch of it is filled up with. Secrets are shown as `********`."""

    env: dict[str, str] | None = None  # type: ignore[assignment]  # shown values, not given ones


class ImageDefaults(BaseModel):
    """What a launch of an image is filled up with; empty for an image that is not known."""

    ports: list[Expose] | None = None
    pathMode: Literal["Strip", "Preserve"] | None = Field(  # noqa: N815  the name on the wire
        default=None, description="Of every port that does not say its own."
    )
    command: list[str] | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    resources: Resources | None = None
    storage: Storage | None = None


class StartTime(BaseModel):
    """One start of a workspace."""

    t: str = Field(description="RFC 3339 time at which it was ready.")
    seconds: int = Field(description="From the creation of its pod until it was ready.")


class Stats(BaseModel):
    """Workspaces that the caller may list, and how long their starts took."""

    states: dict[str, int] = Field(description="How many are `pending`, `running`, `failed` and `stopped`.")
    starts: list[StartTime] = Field(description="Of the last 24 hours, oldest first; 5000 at most.")


class Used(BaseModel):
    """What one workspace uses."""

    cpu: float = Field(description="In CPUs.")
    memory: int = Field(description="In bytes.")


class Usage(BaseModel):
    """What workspaces use."""

    measured: bool = Field(description="False where the cluster does not measure, or nobody knows right now.")
    servers: dict[str, Used] = Field(description="By id; of those that run and were measured.")


class CheckResult(BaseModel):
    """The result of one check."""

    ok: bool
    message: str | None = Field(default=None, description="What is missing, where it has failed.")


class Readiness(BaseModel):
    """The results of all checks."""

    status: str
    checks: dict[str, CheckResult] = Field(description="By name: kubernetes, crds, redis, cache.")


class Document(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str


class ProxyEntry(BaseModel):
    """The entry that the request came by."""

    name: str
    mode: Literal["host", "port", "path"]


class ProxyCaller(BaseModel):
    """Who asks, and what says so."""

    kind: Literal["user", "node", "token", "anonymous"]
    login: str
    source: str


class ProxyRequest(BaseModel):
    """The request that is asked about."""

    method: str
    url: str


class ProxyCap(BaseModel):
    """How many are open, of how many that may be."""

    open: int
    limit: int


class ProxyCaps(BaseModel):
    """What bounds the request: the caller's requests and upgraded connections, and all of the workspace."""

    requests: ProxyCap
    upgrades: ProxyCap
    workspace: ProxyCap | None = None


class ProxyExplanation(BaseModel):
    """What the proxy would do with a request of the caller, and why.

    `verdict` is `forward`, `redirect` (to its `location`), `answer` (a page of the proxy), `own-route` (such as login)
    or `refused`, with the status, code and rule.
    """

    server: str
    path: str
    to: str
    rid: str = Field(description="Id of the request.")
    version: str = Field(description="Of the proxy.")
    entry: ProxyEntry
    identity: ProxyCaller
    request: ProxyRequest | None = Field(default=None, description="Absent where no request could be made of it.")
    form: Literal["api", "own-origin", "own-route", "server", "host-port"] | None = None
    verdict: Literal["forward", "redirect", "answer", "own-route", "refused"]
    location: str | None = None
    gate: str | None = Field(default=None, description="What the cross-origin guard says, a rule.")
    caps: ProxyCaps | None = None
    status: int | None = None
    code: str | None = None
    rule: str | None = None
    message: str | None = None
    access: str | None = Field(default=None, description="The rule that allows or refuses its use.")
    target: str | None = None
    pathMode: Literal["Strip", "Preserve"] | None = None  # noqa: N815  the name on the wire
    upstreamPath: str | None = None  # noqa: N815  the name on the wire
    origin: str | None = Field(default=None, description="The workspace's own origin.")
