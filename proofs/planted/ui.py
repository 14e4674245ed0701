"""Faults of the web interface."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

PLANTS: Final = (
    Plant(
        "ui-reasons",
        "the timeline does not show what is wrong",
        "ui/src/pages/workspace/timeline-tab.tsx",
        "<Show when={found().problem}>",
        '<Show when={found().problem?.reason === "Nothing" ? found().problem : undefined}>',
        cluster=True,
    ),
    Plant(
        "ui-speed",
        "hundreds of rows of a log are drawn for each that is in view",
        "ui/src/components/log-viewport.ts",
        "const OVERSCAN_PX = 480;",
        "const OVERSCAN_PX = 60_000;",
        quick=True,
    ),
)
