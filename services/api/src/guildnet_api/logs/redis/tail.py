"""Tail of a run in Redis, written by one lease holder and published to every replica.

The lease is fenced: its value is unique to one acquisition, and the append script writes only while that very value
stands, so whoever lost the lease cannot append, however late it notices. Ids are made in the script, where the last one
is known: the line's own nanoseconds, or where clocks stepped back, one further. What is kept here may vanish at any
time; the next holder reads it again from the kubelet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

from redis.asyncio import Redis

from guildnet_api.logs.model import NS_PER_SECOND, Kind, RawLine, Record, Run
from guildnet_api.logs.redis.client import within_deadline
from guildnet_api.logs.redis.keys import fence_key, lease_key, lines_channel, live_key, tail_key

LEASE_MS: Final = 6000
"""A dead holder is replaced within this and one retry: under the promised 10 s."""
RENEW_SECONDS: Final = 1.5
TAIL_TTL_MS: Final = 3_600_000
MAX_READ_RECORDS: Final = 1000
LIVE: Final = b"live"
"""Published when a tail is up to date."""
RELEASED: Final = b"released"
"""Published when a lease is given back."""

_UNREADABLE: Final = b'{"reason":"unreadable","message":"A record here is of another version of GuildNet."}'
_ACQUIRE: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local fence = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local token = fence .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
redis.call('DEL', KEYS[3])
return token
"""
# ARGV: token, lease ms, ttl ms, max lines, channel, then kind, time and bytes of each line.
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


class LeaseLost(Exception):  # noqa: N818  it is news, not an error
    """Another replica holds the lease now, or nobody."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The shared tail of one run. Every method raises what `within_deadline` does."""

    redis: Redis
    run: Run
    max_lines: int

    @property
    def channel(self) -> str:
        return lines_channel(self.run)

    async def acquire(self, owner: str) -> Lease | None:
        """The lease, or None while somebody holds it."""
        keys = (lease_key(self.run), fence_key(self.run), live_key(self.run))
        # The random part keeps tokens apart even where Redis has dropped the counter.
        token = await _call(self.redis, _ACQUIRE, keys, f"{owner}:{token_hex(4)}", LEASE_MS, TAIL_TTL_MS)
        return Lease(self, bytes(token)) if token else None

    async def is_live(self) -> bool:
        """Whether a holder has brought the tail up to the present and keeps it there."""
        return bool(await within_deadline(self.redis.exists(live_key(self.run))))

    async def last(self, count: int) -> list[Record]:
        """The newest records, oldest first."""
        found = await within_deadline(self.redis.xrevrange(tail_key(self.run), count=count))
        return [_record(item) for item in reversed(found or ())]

    async def after(self, id_: str, count: int = MAX_READ_RECORDS) -> list[Record]:
        """The records after an id, oldest first."""
        found = await within_deadline(self.redis.xrange(tail_key(self.run), min=f"({id_}", count=count))
        return [_record(item) for item in found or ()]

    async def since(self, time_ns: int) -> list[Record]:
        """The records whose ids are not before a time, oldest first."""
        found = await within_deadline(self.redis.xrange(tail_key(self.run), min=f"{time_ns}-0"))
        return [_record(item) for item in found or ()]

    async def has(self, id_: str) -> bool:
        return bool(await within_deadline(self.redis.xrange(tail_key(self.run), min=id_, max=id_)))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to append, as long as nobody else has it. A `Sink` of the follower.

    Methods raise what `within_deadline` does.
    """

    tail: Tail
    token: bytes

    async def known(self) -> Sequence[RawLine]:
        last = await self.tail.last(1)
        if not last:
            return ()
        # Ids are never below the line's own time, so a range of ids has every line of that second.
        second = last[0].time_ns // NS_PER_SECOND * NS_PER_SECOND
        return [RawLine(r.time_ns, r.data, r.kind) for r in await self.tail.since(second)]

    async def append(self, lines: Sequence[RawLine]) -> None:
        """Raises LeaseLost; nothing is written then."""
        tail, run = self.tail, self.tail.run
        fields: list[Any] = [part for line in lines for part in (line.kind.value, line.time_ns, line.data)]
        arguments = (self.token, LEASE_MS, TAIL_TTL_MS, tail.max_lines, tail.channel, *fields)
        if not await _call(tail.redis, _APPEND, (lease_key(run), tail_key(run)), *arguments):
            raise LeaseLost

    async def renew(self) -> None:
        """Raises LeaseLost."""
        if not await _call(self.tail.redis, _RENEW, self._keys, self.token, LEASE_MS):
            raise LeaseLost

    async def live(self) -> None:
        """Raises LeaseLost."""
        if not await _call(self.tail.redis, _LIVE, self._keys, self.token, LEASE_MS, self.tail.channel, LIVE):
            raise LeaseLost

    async def release(self) -> None:
        await _call(self.tail.redis, _RELEASE, self._keys, self.token, self.tail.channel, RELEASED)

    @property
    def _keys(self) -> tuple[str, str]:
        return lease_key(self.tail.run), live_key(self.tail.run)


async def _call(redis: Redis, script: str, keys: Sequence[str], *arguments: Any) -> Any:
    return await within_deadline(redis.eval(script, len(keys), *keys, *arguments))


def _record(item: Any) -> Record:
    """A record that this version cannot read is a gap in its place: the ids after it have to follow on something."""
    identifier, fields = item
    try:
        return Record(identifier.decode(), int(fields[b"t"]), fields[b"d"], Kind(fields[b"k"].decode()))
    except (KeyError, ValueError):
        return Record(identifier.decode(), int(identifier.partition(b"-")[0]), _UNREADABLE, Kind.GAP)
