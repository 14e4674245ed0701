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
    ),
    Plant(
        "log-takeover",
        "the lease of a dead replica lasts half a minute",
        f"{LOGS}/redis/tail.py",
        "LEASE_MS: Final = 6000\n",
        "LEASE_MS: Final = 30000\n",
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
)
