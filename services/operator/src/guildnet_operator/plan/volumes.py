"""The claim of a plan beside the one that is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guildnet.workspace.quantities import quantity
from guildnet_operator.plan.plan import Plan


def no_smaller(plan: Plan, live: Mapping[str, Any] | None) -> Plan:
    """The plan, asking for at least what the live claim asks for: a volume never shrinks, and somebody enlarged it."""
    asked = (live or {}).get("spec", {}).get("resources", {}).get("requests", {}).get("storage")
    if plan.claim is None or asked is None or quantity(asked) <= quantity(plan.claim.size):
        return plan
    return replace(plan, claim=replace(plan.claim, size=str(asked)))
