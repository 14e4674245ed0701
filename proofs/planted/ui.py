"""Faults of the web interface."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

PLANTS: Final = (
    Plant(
        "axe",
        "a button with an icon alone has no name",
        "ui/src/components/button.tsx",
        "      aria-label={props.label}\n      aria-disabled={Boolean(props.refused) || props.busy",
        "      aria-disabled={Boolean(props.refused) || props.busy",
        quick=True,
    ),
    Plant(
        "keyboard",
        "a menu that opens does not take the focus, so that no key reaches what is in it",
        "ui/src/components/menu.tsx",
        "    entries()[0]?.focus({ preventScroll: true });\n",
        "",
        cluster=True,
    ),
    Plant(
        "ui-original",
        "the first generation's address of the launch form leads nowhere",
        "ui/src/app.tsx",
        '      <Route path="/launch" component={() => <Navigate href={`/new${location.search}`} />} />\n',
        "",
        cluster=True,
    ),
    Plant(
        "ui-outage",
        "a stream that was refused is not opened again",
        "ui/src/api/stream.ts",
        '    timer = setTimeout(() => open("waiting"), RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);\n',
        "    failures = Math.min(failures + 1, RETRY_MS.length);\n",
        quick=True,
        cluster=True,
    ),
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
        "thousands of rows of a log are drawn for those in view",
        "ui/src/components/log-viewport.ts",
        "const OVERSCAN_PX = 480;",
        "const OVERSCAN_PX = 300_000;",
        quick=True,
    ),
)
