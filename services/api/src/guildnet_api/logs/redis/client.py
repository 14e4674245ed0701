"""The client of Redis, and the one deadline of its commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECT_TIMEOUT_SECONDS: Final = 2.0
COMMAND_TIMEOUT_SECONDS: Final = 2.0
HEALTH_CHECK_SECONDS: Final = 5

T = TypeVar("T")


def connect(url: str) -> Redis:
    """A client without retries and without deadlines of its own: callers have both (see `within_deadline`)."""
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=None,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=Retry(NoBackoff(), 0),
        client_name="guildnet-api",
    )


async def within_deadline(command: Awaitable[T], seconds: float = COMMAND_TIMEOUT_SECONDS) -> T:
    """The result of a command. Raises TimeoutError after so many seconds, RedisError where Redis cannot be reached.

    The client has a timeout of its own, but keeps it by `asyncio.wait_for`, which on Python 3.11 forgets a cancellation
    that comes together with the result (python/cpython#86296): the task goes on, and who cancelled it waits for ever.
    """
    async with asyncio.timeout(seconds):
        return await command
