"""Faults of the sources themselves: who may import whom, who decides a fact."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

PLANTS: Final = (
    Plant(
        "contracts",
        "a condition imports the clock",
        "services/operator/src/guildnet_operator/status/conditions.py",
        "from collections.abc import Callable, Mapping\n",
        "import time\nfrom collections.abc import Callable, Mapping\n",
    ),
    Plant(
        "one-home",
        "the operator knows a scheme of a port of its own",
        "services/operator/src/guildnet_operator/plan/plan.py",
        "return scheme_of(self.number, self.name)",
        'return "https" if self.number == 443 else "http"',
    ),
)
