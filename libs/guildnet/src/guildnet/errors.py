"""The refusals every GuildNet service speaks of, whatever caused them.

A service raises these and one table per process turns them into HTTP; nothing here knows a status code of ours.
`message` says what to do next and is meant for a person, `code` is stable and meant for a program.
"""

# ruff: noqa: N818  the names are the words of the domain: what is raised is a refusal, not an error in a program

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request or object that cannot be accepted, by its path (`spec.ports[0].name`)."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClusterAnswer:
    """That it was the Kubernetes API which refused: its status (0: it gave none), and the object that it named."""

    status: int
    kind: str = ""
    """The plural: `workspaces`."""
    name: str = ""


class GuildNetError(Exception):
    """Base of every refusal. `reason` is the Kubernetes status reason (`AlreadyExists`, `Expired`), if any.

    `cluster` is set where the Kubernetes API refused it to us: that says nothing about whoever asked us.
    """

    default_code = "internal"
    cluster: ClusterAnswer | None = None

    def __init__(
        self, message: str, *, details: Iterable[FieldError] = (), code: str | None = None, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details: tuple[FieldError, ...] = tuple(details)
        self.reason = reason


class NotFound(GuildNetError):
    """The named object, kind or path does not exist."""

    default_code = "not_found"


class Conflict(GuildNetError):
    """The object is not in the state the request assumed: `reason` is `AlreadyExists` or `Conflict`."""

    default_code = "conflict"


class Denied(GuildNetError):
    """The caller is known not to be allowed, or not known at all (`reason` is then `Unauthorized`)."""

    default_code = "forbidden"


class Invalid(GuildNetError):
    """The request cannot be understood or breaks the schema; `details` has one entry per field."""

    default_code = "invalid_spec"


class Unreachable(GuildNetError):
    """The other side did not answer in time, cannot be reached or says that it is broken. Worth trying again."""

    default_code = "unavailable"


class Silent(Unreachable):
    """A stream that was open brought nothing for as long as its reader was ready to wait."""


class TooLarge(GuildNetError):
    """The request or answer is over its limit of bytes."""

    default_code = "too_large"


class Gone(GuildNetError):
    """The resource version or page asked for is no longer kept: list again."""

    default_code = "gone"


class TooManyRequests(GuildNetError):
    """The other side asks to slow down; `retry_after` is in seconds, None where it did not say."""

    default_code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: float | None = None, reason: str = "") -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after
