"""Parameters of requests as the OpenAPI document has them: name, place, schema, meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from guildnet_api.logs.source.levels import LEVELS
from guildnet_api.workspaces.view import STATUSES

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
BOOLEAN: Final[Schema] = {"type": "boolean", "default": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `style` has what OpenAPI says of how it is written, where that is not the default."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Literal["query", "header", "path"] = "query"
    required: bool = False
    style: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        required = {"required": True} if self.required else {}
        shown = {"name": self.name, "in": self.place, "description": self.description}
        return {**shown, **required, "schema": dict(self.schema), **self.style}


COUNT: Final[Schema] = {"type": "integer", "minimum": 0, "default": 200}


ID: Final = Parameter("id", "Id of the workspace.", TEXT, "path", required=True)
IMAGE: Final = Parameter(
    "image", "The image reference, like `ghcr.io/acme/tool:1`; another tag of an offered image counts too."
)
SEARCH: Final = Parameter("q", "Only workspaces with this text in id, image, owner or notes, in any case.")
STATUS: Final = Parameter(
    "status", "Only workspaces of these statuses, separated by commas.",
    {"type": "array", "items": {"type": "string", "enum": list(STATUSES)}}, style={"explode": False},
)  # fmt: skip
OWNER: Final = Parameter("owner", "Only workspaces of this owner: as their `owner` says it.")
IF_NONE_MATCH: Final = Parameter(
    "If-None-Match", "The ETag of an earlier response; 304 while the list is still the same.", place="header"
)
IF_MATCH: Final = Parameter(
    "If-Match", "The ETag of the workspace; 409 `stale` where it has changed since. Default: `*`, any.", place="header"
)
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "Makes a repeat with the same key the same launch, for as long as its workspace is there: after a time-out it is "
    "safe to ask again.",
    {"type": "string", "minLength": 1, "maxLength": 255},
    place="header",
)
LAST_EVENT_HEADER: Final = Parameter("Last-Event-ID", "The last id received, to go on after it.", place="header")
LAST_EVENT_ID: Final = Parameter(
    "lastEventId", "The last id received, where the header `Last-Event-ID` cannot be set; the header goes before it."
)
DRY_RUN: Final = Parameter("dryRun", "Lists the workspaces without deleting them.", BOOLEAN)

LEVEL: Final = Parameter(
    "level", "Only lines of this very level; warnings are `info`. Without it: every level.",
    {"type": "string", "enum": list(LEVELS)},
)  # fmt: skip
CONTAINER: Final = Parameter(
    "container",
    "Name of a container of the pod, init containers included, or `*` for all of them. "
    "Without it: the first container that is not an init container.",
    {"type": "string", "pattern": r"^(\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$"},
)
LINE_SEARCH: Final = Parameter(
    "q",
    "Only lines that contain this text in any case, or match an RE2 expression between slashes (`/5\\d\\d$/`, with "
    "an `i` behind it for any case).",
    {"type": "string", "maxLength": 256},
)
LIMIT: Final = Parameter(
    "limit",
    "At most so many lines, the newest; 5000 at most. As text, without it: all of them.",
    COUNT,
)
PREVIOUS: Final = Parameter(
    "previous", "Reads the run that ended last: the one before the present one, while that runs.", BOOLEAN
)
SINCE: Final = Parameter(
    "since", "Only lines from this time on: RFC 3339, or an age like `90` (seconds), `10m`, `2h`, `1d`."
)
UNTIL: Final = Parameter(
    "until", "Only lines before this time: RFC 3339, or an age like `90` (seconds), `10m`, `2h`, `1d`."
)
FORMAT: Final = Parameter(
    "format", "`text` is a file of `time text` lines.",
    {"type": "string", "enum": ["json", "text"], "default": "json"},
)  # fmt: skip
TARGET: Final = Parameter("target", "Id of the workspace.", required=True)
TAIL: Final = Parameter(
    "tail", "How many of the newest lines to begin with; at most as many as the install keeps.", COUNT
)
FOLLOW: Final = Parameter("follow", "Whether new lines are sent after the tail.", {"type": "boolean", "default": True})
EVENTS: Final = Parameter("events", "Sends Kubernetes events and condition changes as well.", BOOLEAN)
LOG_FILTERS: Final = (LEVEL, CONTAINER, LINE_SEARCH)

TOKEN: Final = Parameter("token", "The token; without one a page asks for it.")
NEXT: Final = Parameter("next", "The path to go on to. Default: `/`.")
DEBUG_SERVER: Final = Parameter("server", "Id of the workspace.")
DEBUG_PATH: Final = Parameter("path", "The path below the workspace. Default: `/`.")
DEBUG_PORT: Final = Parameter("port", "A port of the workspace; its first one where left out.")
DEBUG_TO: Final = Parameter("to", "An explicit target, as HOST:PORT.")
DEBUG_SCHEME: Final = Parameter("scheme", "Of the explicit target: `http` or `https`.")
DEBUG_URL: Final = Parameter("url", "Any address of this install, whole or from the path on, in place of the others.")
DEBUG_METHOD: Final = Parameter("method", "Method of the request. Default: `GET`.")
DEBUG_AS: Final = Parameter(
    "as", "Who asks: `program` (default), or a browser for a `page`, a `frame`, `data`, a `script` or a `socket`."
)
DEBUG_ORIGIN: Final = Parameter("origin", "The `Origin` that the request carries.")
