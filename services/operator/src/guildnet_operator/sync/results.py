"""A pass over the children of a Workspace: what is known before it, and what it comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from guildnet.errors import GuildNetError
from guildnet_operator.status.children import Children
from guildnet_operator.status.snapshot import Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """A request about one child that failed, worth trying again; `error` None where it has no answer yet."""

    kind: str
    name: str
    error: GuildNetError | None = None


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The children that are ours after a pass, and what stood in the way."""

    children: Children
    problems: tuple[Problem, ...] = ()
    failures: tuple[Failure, ...] = ()
    secret_ensured: str | None = None
    after: float | None = None
    """In how many seconds there is something to do about a child that is held back."""
    unwanted: bool = False
    """The Workspace is gone or going, which the watch has not told yet: nothing was written."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a Workspace before a pass over its children."""

    secret_ensured: str | None
    """The name of the Secret that was seen before and need not be read again."""
    fresh: bool
    """Nothing was made for it yet."""
    asked: bool
    """Its spec has changed: what differs is what somebody waits for."""


Meanwhile = Callable[[SyncResult], Awaitable[None]]
"""Is told what is known while the API server does not answer the writes of a pass."""
