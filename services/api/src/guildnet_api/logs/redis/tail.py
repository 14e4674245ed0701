"""The second room: the tail of a run in Redis, written by one lease holder and published to every replica.

The lease is fenced: its value is unique to one acquisition, and the append script writes only while that very value
stands, so whoever lost the lease cannot append, however late it notices. Ids are made in the script, where the last one
is known: the line's own nanoseconds, or where clocks stepped back, one further. What is kept here may vanish at any
time; the next holder reads it again from the kubelet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, TypeVar

from redis.asyncio import Redis

from guildnet_api.logs.model import channel, lease_key, stream_key
from guildnet_api.logs.records import Kind, Raw, Record, Run
from guildnet_api.logs.source.follower import SECOND

LEASE_MS: Final = 6000  # a dead holder is replaced within this and one retry: under the promised 10 s
RENEW_SECONDS: Final = 1.5
KEEP_MS: Final = 3_600_000
ANSWER_SECONDS: Final = 2.0
LIVE: Final = b"live"
RELEASED: Final = b"released"

_ACQUIRE: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local fence = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local token = fence .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
redis.call('DEL', KEYS[3])
return token
"""
# ARGV: token, lease ms, keep ms, most lines, channel, then kind, time and bytes of each line.
# Times are compared as text: they have nanoseconds, and a Lua number has 53 bits.
_APPEND: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local top = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local before = top[1] and top[1][1] or '0-0'
local high, low = string.match(before, '^(%d+)%-(%d+)$')
low = tonumber(low)
local sent = {before, '\\n'}
for i = 6, #ARGV, 3 do
  local kind, time, data = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if #time > #high or (#time == #high and time > high) then high, low = time, 0 else low = low + 1 end
  local id = high .. '-' .. string.format('%d', low)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], id, 'k', kind, 't', time, 'd', data)
  sent[#sent + 1] = id .. ' ' .. kind .. ' ' .. time .. ' ' .. #data .. '\\n' .. data
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[5], table.concat(sent))
return high .. '-' .. string.format('%d', low)
"""
_RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""
_LIVE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
"""


T = TypeVar("T")


async def answered(command: Awaitable[T], within: float = ANSWER_SECONDS) -> T:
    """What Redis answers. Raises TimeoutError after `within` seconds without, RedisError where it cannot be asked.

    The client has a timeout of its own, but keeps it by `asyncio.wait_for`, which on Python 3.11 forgets a cancellation
    that comes together with the answer (python/cpython#86296): the task goes on, and who cancelled it waits for ever.
    """
    async with asyncio.timeout(within):
        return await command


class LeaseLost(Exception):  # noqa: N818 - it is news, not an error
    """Another replica holds the lease now, or nobody."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The shared tail of one run. Every method raises what `answered` does."""

    redis: Redis
    run: Run
    max_lines: int

    @property
    def _parts(self) -> tuple[str, str, int]:
        return self.run.pod_uid, self.run.container, self.run.restart

    @property
    def key(self) -> str:
        return stream_key(*self._parts)

    @property
    def lease(self) -> str:
        return lease_key(*self._parts)

    @property
    def live_key(self) -> str:
        return f"{self.key}:live"

    @property
    def channel(self) -> str:
        return channel(*self._parts)

    async def acquire(self, owner: str) -> Lease | None:
        """The lease, or None while somebody holds it."""
        keys = (self.lease, f"{self.key}:fence", self.live_key)
        # The random part keeps tokens apart even where Redis has dropped the counter.
        token = await _call(self.redis, _ACQUIRE, keys, f"{owner}:{token_hex(4)}", LEASE_MS, KEEP_MS)
        return Lease(self, bytes(token)) if token else None

    async def is_live(self) -> bool:
        """Whether a holder has brought the tail up to the present and keeps it there."""
        return bool(await answered(self.redis.exists(self.live_key)))

    async def last(self, count: int) -> list[Record]:
        """The newest records, oldest first."""
        found = await answered(self.redis.xrevrange(self.key, count=count))
        return [_record(item) for item in reversed(found or ())]

    async def after(self, identifier: str, count: int = 1000) -> list[Record]:
        """The records after an id, oldest first."""
        found = await answered(self.redis.xrange(self.key, min=f"({identifier}", count=count))
        return [_record(item) for item in found or ()]

    async def has(self, identifier: str) -> bool:
        return bool(await answered(self.redis.xrange(self.key, min=identifier, max=identifier)))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to append, as long as nobody else has it. A `Sink` of `follow`."""

    tail: Tail
    token: bytes

    async def known(self) -> Sequence[Raw]:
        last = await self.tail.last(1)
        if not last:
            return ()
        # Ids are never below the line's own time, so a range of ids has every line of that second.
        start = last[0].time_ns // SECOND * SECOND
        found = await answered(self.tail.redis.xrange(self.tail.key, min=f"{start}-0"))
        return [Raw(r.time_ns, r.data, r.kind) for r in map(_record, found or ())]

    async def append(self, lines: Sequence[Raw]) -> None:
        """Raises LeaseLost; nothing is written then."""
        tail = self.tail
        fields: list[Any] = [part for line in lines for part in (line.kind.value, line.time_ns, line.data)]
        arguments = (self.token, LEASE_MS, KEEP_MS, tail.max_lines, tail.channel, *fields)
        if not await _call(tail.redis, _APPEND, (tail.lease, tail.key), *arguments):
            raise LeaseLost

    async def renew(self) -> None:
        """Raises LeaseLost."""
        keys = (self.tail.lease, self.tail.live_key)
        if not await _call(self.tail.redis, _RENEW, keys, self.token, LEASE_MS):
            raise LeaseLost

    async def live(self) -> None:
        """Raises LeaseLost."""
        keys = (self.tail.lease, self.tail.live_key)
        if not await _call(self.tail.redis, _LIVE, keys, self.token, LEASE_MS, self.tail.channel, LIVE):
            raise LeaseLost

    async def release(self) -> None:
        keys = (self.tail.lease, self.tail.live_key)
        await _call(self.tail.redis, _RELEASE, keys, self.token, self.tail.channel, RELEASED)


async def _call(redis: Redis, script: str, keys: Sequence[str], *arguments: Any) -> Any:
    return await answered(redis.eval(script, len(keys), *keys, *arguments))


def _record(item: Any) -> Record:
    identifier, fields = item
    return Record(identifier.decode(), int(fields[b"t"]), fields[b"d"], Kind(fields[b"k"].decode()))
