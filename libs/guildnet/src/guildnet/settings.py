"""A service's settings: typed, read once from the environment, every problem reported at once, secrets never shown.

The name of a setting in the environment is its field name in capitals, nothing else; constructing a settings object
reads no environment at all, so that only `load`, called in `__main__`, does. An empty variable means "not set" unless
the field is plain text, where empty is a value of its own (`LOCAL_ORIGIN=` is "no local entry").
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from guildnet import sensitive

S = TypeVar("S", bound="Settings")

EXIT_BAD_SETTINGS = 2
_NOT_SECRET = re.compile(r"_FILE$|AUDIENCE$")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part for part in (item.strip() for item in value.split(",")) if part)


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A setting that holds several values: `a, b,c`. Empty items are dropped."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """Marks a setting that names a secret and is none itself."""


SecretReference = Annotated[str, _Reference()]
"""A setting that holds the name of a Kubernetes Secret: shown, whatever the setting is called."""


class Settings(BaseModel):
    """What every service reads. Subclass it and add fields; give each a `description`, it ends up in the docs."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log lines to write."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="JSON lines, or coloured text for a terminal."
    )
    ops_port: int = Field(
        default=9090, ge=0, le=65535, description="Port of /healthz, /readyz and /metrics; 0 takes a free one."
    )
    k8s_namespace: str = Field(default="guildnet-workspaces", min_length=1, description="Namespace of the Workspaces.")
    release_namespace: str = Field(default="guildnet", min_length=1, description="Namespace GuildNet itself runs in.")
    install_name: str = Field(
        default="guildnet", min_length=1, description="Name of this install, shown in the UI and in cookie names."
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        pattern=r"^(|https?://[^\s?#]+)$",
        description="Base URL of an OpenTelemetry collector (OTLP over HTTP) that gets traces; empty for none.",
    )
    kubeconfig: str | None = Field(
        default=None, description="Path of a kubeconfig; without one, the pod's own account is used."
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of settings."""

    env: str
    type: str
    default: str
    description: str
    secret: bool


def load(cls: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Read the settings from the environment (or the mapping given).

    Where any is wrong, every problem is written to stderr, one a line, and the process exits with status 2.
    """
    source = os.environ if environ is None else environ
    fields = cls.model_fields
    given: dict[str, Any] = {
        name: source[name.upper()]
        for name, field in fields.items()
        if name.upper() in source and (source[name.upper()] != "" or field.annotation is str)
    }
    try:
        return cls(**given)
    except ValidationError as error:
        for line in _problems(error, given, fields):
            print(line, file=sys.stderr)  # noqa: T201  the log is not configured before the settings are known
        raise SystemExit(EXIT_BAD_SETTINGS) from None


def table(cls: type[Settings]) -> tuple[Row, ...]:
    """Every setting of a service, in the order declared, for the documentation and the chart's tests."""
    return tuple(
        Row(
            env=name.upper(),
            type=_type_name(field.annotation),
            default=_default(field),
            description=field.description or "",
            secret=is_secret(name, field),
        )
        for name, field in cls.model_fields.items()
    )


def is_secret(name: str, field: FieldInfo) -> bool:
    """Must its value never be shown? By type, or by name where that does not say it is a path or a reference."""
    if "SecretStr" in str(field.annotation) or field.annotation is SecretStr:
        return True
    if any(isinstance(item, _Reference) for item in field.metadata):
        return False
    upper = name.upper()
    return sensitive.is_secret_name(upper) and not _NOT_SECRET.search(upper)


def _problems(error: ValidationError, given: Mapping[str, str], fields: Mapping[str, FieldInfo]) -> list[str]:
    lines = ["bad settings; correct these environment variables and start again:"]
    for item in error.errors(include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        field = fields.get(name)
        message = item["msg"]
        if field is None:
            lines.append(f"  {name.upper() or 'settings'}: {message}")
            continue
        value = given.get(name)
        if value is None:
            lines.append(f"  {name.upper()}: {message} (not set)")
        elif is_secret(name, field):
            lines.append(f"  {name.upper()}: {_without(message, value)} (value not shown)")
        else:
            # A URL may carry a password although its setting is no secret.
            shown = sensitive.without_passwords(value)
            lines.append(f"  {name.upper()}: {sensitive.without_passwords(message)} (got {shown!r})")
    return lines


def _without(message: str, value: str) -> str:
    return message.replace(value, "***") if value else message


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=False)
    if value is None or field.default_factory is not None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
