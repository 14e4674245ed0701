"""What a browser complains of in our pages: the console's errors, broken scripts, what a security policy refuses.

Pages of workspaces, in frames and tabs of their own, are other people's: what is said of them is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError

_BINDING: Final = "guildnetRefused"
_REPORT: Final = f"""addEventListener("securitypolicyviolation", (event) => {{
  const {{ effectiveDirective, blockedURI, sourceFile, lineNumber }} = event;
  window.{_BINDING}?.(`${{effectiveDirective}} ${{blockedURI}} ${{sourceFile}}:${{lineNumber}}`);
}});"""
NETWORK: Final = ("Failed to load resource", "WebSocket connection to", "net::ERR_")
"""How Chromium reports by itself that a request was refused or not answered."""


@dataclass
class Heard:
    """Complaints of the pages of one origin, by kind."""

    origin: str
    errors: list[str] = field(default_factory=list)
    """Of the console and of scripts, but for requests."""
    requests: list[str] = field(default_factory=list)
    """Requests that were refused or not answered: in an outage they are what is played."""
    refused: list[str] = field(default_factory=list)
    """What the content security policy refused, as `directive address place`."""

    def listen(self, context: BrowserContext) -> None:
        """From now on, to every page that the context opens."""
        context.expose_binding(_BINDING, self._violation)
        context.add_init_script(_REPORT)
        context.on("console", self._console)
        context.on("weberror", self._broken)

    def _ours(self, address: str) -> bool:
        return urlsplit(address)[:2] == urlsplit(self.origin)[:2]

    def _violation(self, source: Any, said: str) -> None:
        if self._ours(source["frame"].url):
            self.refused.append(said)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        page = message.page.url if message.page else ""
        place = message.location["url"] or page
        if self._ours(place):
            network = message.text.startswith(NETWORK)
            (self.requests if network else self.errors).append(f"{message.text[:200]} ({place}, on {page})")

    def _broken(self, error: WebError) -> None:
        page = error.page.url if error.page else ""
        if self._ours(page):
            self.errors.append(f"{error.error} (on {page})")
