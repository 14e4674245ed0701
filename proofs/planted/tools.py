"""Faults of the local cluster's tool."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

TOOL: Final = "tools/src/guildnet_local"

PLANTS: Final = (
    Plant(
        "cycles",
        "`down` leaves an empty directory of a constant path",
        f"{TOOL}/down.py",
        "    _remove_tree(settings.run)\n    _remove_tree(settings.state)\n",
        "    _remove_tree(settings.run)\n    _remove_tree(settings.state)\n    settings.state.mkdir()\n",
        quick=True,
        cluster=True,
    ),
    Plant(
        "up-times",
        "`up` waits for a minute",
        f"{TOOL}/up.py",
        "        self._check_machine()\n        with held",
        "        self._check_machine()\n        time.sleep(60)\n        with held",
        quick=True,
        cluster=True,
    ),
)
