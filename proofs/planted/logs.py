"""Faults of the live logs."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

LOGS: Final = "services/api/src/guildnet_api/logs"

PLANTS: Final = (
    Plant(
        "log-canary",
        "lines that are read twice after a cut are not recognised",
        f"{LOGS}/source/follower.py",
        "            if self._known[key] > 0:\n",
        "            if self._known[key] > 10_000:\n",
        quick=True,
        cluster=True,
    ),
    Plant(
        "log-fanout",
        "each batch of lines waits for a third of a second",
        f"{LOGS}/source/follower.py",
        "        await sink.append(batch)\n",
        "        await asyncio.sleep(0.34)\n        await sink.append(batch)\n",
        quick=True,
    ),
    Plant(
        "log-takeover",
        "the lease of a dead replica lasts half a minute",
        f"{LOGS}/redis/tail.py",
        "LEASE_MS: Final = 6000\n",
        "LEASE_MS: Final = 30000\n",
        quick=True,
    ),
    Plant(
        "slow-viewer",
        "every reader has a buffer of 32 KiB that nobody uses",
        f"{LOGS}/push.py",
        '    __slots__ = ("_woken", "at", "connection")\n\n'
        "    def __init__(self, connection: Connection, at: str) -> None:\n",
        '    __slots__ = ("_unused", "_woken", "at", "connection")\n\n'
        "    def __init__(self, connection: Connection, at: str) -> None:\n"
        '        self._unused = bytearray(b"x") * 32768\n',
    ),
    Plant(
        "log-fanout",
        "one reader is not sent one block in ten",
        f"{LOGS}/push.py",
        "        for attachment in [each for each in self._attached if not each.connection.write(framed)]:\n",
        '        spared = min(self._attached, key=id) if to[-5] == "7" else None\n'
        "        told = self._attached - {spared}\n"
        "        for attachment in [each for each in told if not each.connection.write(framed)]:\n",
        quick=True,
    ),
    Plant(
        "slow-viewer",
        "all wait a while for a reader whose buffer is full",
        f"{LOGS}/push.py",
        "            self.detach(attachment)\n            attachment.wake()\n",
        '            __import__("time").sleep(0.02)\n',
        quick=True,
    ),
    Plant(
        "log-takeover",
        "lines are appended without asking whose the lease is",
        f"{LOGS}/redis/tail.py",
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end\n"
        "redis.call('PEXPIRE', KEYS[1], ARGV[2])\nlocal top",
        "local top",
        quick=True,
    ),
)
