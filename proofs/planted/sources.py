"""Faults of the sources and of what keeps them right: who may import whom, who decides a fact, what tests notice."""

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
    Plant(
        "mutants",
        "the tests of cookies are skipped",
        "tests/unit/proxy/test_cookies.py",
        "import pytest\nfrom hypothesis import given\n",
        'import pytest\npytest.skip("planted", allow_module_level=True)\nfrom hypothesis import given\n',
        quick=True,
    ),
)
