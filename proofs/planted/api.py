"""Faults of the api."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

API: Final = "services/api/src/guildnet_api"

PLANTS: Final = (
    Plant(
        "fuzz",
        "a count has as many digits as anybody likes",
        f"{API}/http/params.py",
        '    return min(int(text.lstrip("0")[:9] or "0"), maximum)\n',
        "    return min(int(text), maximum)\n",
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
    Plant(
        "hostile-reader",
        "lines are matched on the event loop",
        f"{API}/logs/worker.py",
        "await asyncio.get_running_loop().run_in_executor(self._pool, _slice, apply, items, start)\n",
        "_slice(apply, items, start)\n",
        quick=True,
    ),
    Plant(
        "list-cost",
        "each workspace is encoded anew for each list",
        f"{API}/cluster/index.py",
        "        found = fragments.get(ws.name)\n",
        "        found = self._joined.clear()\n",
    ),
    Plant(
        "secrets",
        "a password in a URL makes no secret of it",
        "libs/guildnet/src/guildnet/sensitive/recognition.py",
        "    return is_secret_name(name) or is_secret_value(value)\n",
        "    return is_secret_name(name)\n",
    ),
    Plant(
        "secrets",
        "Secrets that a patch replaced stay",
        f"{API}/handlers/patch.py",
        "            await env_secrets.remove(api.client, namespace, ws.name, change.unused)\n",
        "            pass\n",
    ),
)
