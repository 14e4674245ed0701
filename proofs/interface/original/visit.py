"""One visit of the web interface, and what was made in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Locator, Page

from support.local import NAMESPACE, Local

SHELL: Final = "guildnet/busybox:0.1.0"
PREFIX: Final = "proof-original"
Json = dict[str, Any]


@dataclass(slots=True)
class Visit:
    """A page, and the two workspaces that are launched there."""

    page: Page
    local: Local
    browser: Browser
    lab: str = ""
    """Launched from a preset."""
    tool: str = ""
    """Any image, with everything that can be said of it."""
    asked: list[str] = field(default_factory=list)
    """Addresses that our pages asked for."""

    def goto(self, path: str) -> None:
        self.page.goto(f"{self.local.origin}{path}")

    def spec(self, name: str) -> Json:
        found: Json = self.local.get("workspace", name)["spec"]
        return found

    def ask(self, path: str) -> Any:
        with self.local.api() as api:
            answer = api.get(path)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:200]}"
        return answer.json()

    def row(self, name: str) -> Locator:
        return self.page.locator(f"[data-id='{name}']")

    def made(self) -> list[str]:
        """Workspaces of this visit and of those that did not end."""
        items = json.loads(self.local.kubectl("-n", NAMESPACE, "get", "workspaces", "-o", "json"))["items"]
        names = [item["metadata"]["name"] for item in items]
        return [name for name in names if name.startswith(PREFIX)]


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the first generation could do; `play` finds it in ours, uses it, and raises where that fails."""

    what: str
    ours: str
    """Where it is."""
    play: Callable[[Visit], None]
