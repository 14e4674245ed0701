"""All planted faults, by the kind of what they break."""

from __future__ import annotations

from typing import Final

from proofs.planted import api, logs, operator, proxy, sources, tools, ui
from proofs.planted.plant import Plant

PLANTS: Final[tuple[Plant, ...]] = (
    *sources.PLANTS, *operator.PLANTS, *api.PLANTS, *logs.PLANTS, *proxy.PLANTS, *tools.PLANTS,
    *ui.PLANTS,
)  # fmt: skip

SIDE_BY_SIDE: Final = frozenset({
    "autobahn", "axe", "chart", "contracts", "crash-plans", "csrf", "exposure", "first-generation", "forgery",
    "isolation", "one-home", "policy-restarts", "races", "rbac", "rival", "secrets", "sessions", "smuggling",
    "spec-mutations", "ssrf", "status-truth", "write-cost",
})  # fmt: skip
"""Proofs that ask what happens and not how quickly, none of them on the local cluster: another may go beside them."""


def of(words: list[str]) -> list[Plant]:
    """The faults for these proofs; all where none is named. Raises KeyError for a proof without one."""
    known = {plant.word for plant in PLANTS}
    for word in words:
        if word not in known:
            raise KeyError(word)
    return [plant for plant in PLANTS if not words or plant.word in words]
