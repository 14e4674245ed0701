"""axe-core on a page: what breaks WCAG 2.2 AA or a best practice there."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

from support.played_ui import UI

_AXE: Final = UI / "node_modules" / "axe-core" / "axe.min.js"
TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_RUN: Final = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


def problems(page: Page) -> list[str]:
    """Each violation with its first element.

    The script comes by the browser's debugger, which no content security policy hinders: it stays in force.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {_AXE.read_text()} }}")
    result: dict[str, Any] = page.evaluate(_RUN, list(TAGS))
    first = [(one["id"], len(one["nodes"]), one["nodes"][0]) for one in result["violations"]]
    return [
        f"{rule} ×{many}: {node['html'][:160]} {' '.join(node.get('failureSummary', '').split())[:240]}"
        for rule, many, node in first
    ]
