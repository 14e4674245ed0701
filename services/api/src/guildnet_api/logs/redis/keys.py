"""Names of the keys and channels in Redis. The braces keep all keys of a pod in one slot of a Redis Cluster."""

from __future__ import annotations

from typing import Final

from guildnet_api.logs.model import Run

CONTROL_CHANNEL: Final = "guildnet:logs:control"
"""A channel that nobody writes to: a subscription needs one before the first feed has a channel of its own."""


def tail_key(run: Run) -> str:
    """The stream that holds the run's newest records."""
    return f"guildnet:logs:{{{run.pod_uid}}}:{run.container}:{run.restart}"


def lease_key(run: Run) -> str:
    """The token of the replica that follows the run."""
    return f"{tail_key(run)}:lease"


def fence_key(run: Run) -> str:
    """The counter that makes the token of each acquisition another one."""
    return f"{tail_key(run)}:fence"


def live_key(run: Run) -> str:
    """Present while the tail is up to date."""
    return f"{tail_key(run)}:live"


def lines_channel(run: Run) -> str:
    """The channel on which each append is published."""
    return f"{tail_key(run)}:lines"
