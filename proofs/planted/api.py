"""Faults of the api."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

API: Final = "services/api/src/guildnet_api"

PLANTS: Final = (
    Plant(
        "fuzz",
        "an age goes back as far as it says",
        f"{API}/handlers/logs.py",
        "    return min(max(int(seconds * NS_PER_SECOND), _FIRST_NS), _LAST_NS)\n",
        "    return int(seconds * NS_PER_SECOND)\n",
        quick=True,
        cluster=True,
    ),
    Plant(
        "redis-outage",
        "readiness stands on Redis, too",
        f"{API}/health.py",
        'OPTIONAL: Final = frozenset({"redis"})\n',
        "OPTIONAL: Final = frozenset[str]()\n",
        quick=True,
        cluster=True,
    ),
)
