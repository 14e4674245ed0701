"""Records what Chromium sends to a running program, at the program's socket: `record.py KIND PORT`.

KIND is `jupyterlab` or `code-server`, PORT where it listens on loopback without a password. A session is: the page is
loaded, worked with for a moment, and loaded again. Needs playwright and Chromium.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright

from proofs.bench.mix.session import COOKIE, HOST, Recorded, encoded, repeated

CHROMIUM: Final = "/usr/bin/chromium"
WAIT_MS: Final = 60_000


class Relay:
    """Passes connections on to a port, and keeps what the client sent on each in the order of its arrival."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.requests: list[Recorded] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(self._asked(reader, back), _copied(onward, writer))
        except OSError:
            return
        finally:
            back.close()
            writer.close()

    async def _asked(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        """Requests, one after the other; behind an upgrade, bytes."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = Recorded.of(head)
                self.requests.append(request)
                to.write(head)
                if request.upgrade:
                    await _copied(reader, to)
                    return
                to.write(await reader.readexactly(request.body_bytes))
        to.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _jupyterlab(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/lab", timeout=WAIT_MS)
    await page.locator(".jp-LauncherCard").first.click(timeout=WAIT_MS)
    cell = page.locator(".jp-Notebook .cm-content").first
    await cell.click(timeout=WAIT_MS)
    await page.keyboard.type("sum(range(10))")
    await page.keyboard.press("Shift+Enter")
    await page.get_by_text("45", exact=True).wait_for(timeout=WAIT_MS)
    await page.keyboard.press("Control+s")
    await page.wait_for_timeout(3000)
    await page.reload(timeout=WAIT_MS)
    await page.locator(".jp-Notebook").first.wait_for(timeout=WAIT_MS)
    await page.wait_for_timeout(3000)


async def _code_server(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/", timeout=WAIT_MS)
    await page.locator(".monaco-workbench .explorer-viewlet, .monaco-workbench .part.editor").first.wait_for(
        timeout=WAIT_MS
    )
    await page.wait_for_timeout(5000)
    await page.reload(timeout=WAIT_MS)
    await page.locator(".monaco-workbench .part.editor").first.wait_for(timeout=WAIT_MS)
    await page.wait_for_timeout(5000)


SESSIONS: Final[dict[str, Callable[[Page, str], Awaitable[None]]]] = {
    "jupyterlab": _jupyterlab,
    "code-server": _code_server,
}


async def recorded(kind: str, port: int) -> tuple[str, list[Recorded]]:
    """About the recording, and its requests."""
    relay = Relay(port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    host = f"{kind}.localhost:{server.sockets[0].getsockname()[1]}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        await SESSIONS[kind](await browser.new_page(), f"http://{host}")
        version = browser.version
        await browser.close()
    server.close()
    about = (
        f"{kind}: a load, a moment's work, a second load; Chromium {version}, headless; {HOST} and {COOKIE} stand in"
    )
    return about, [request.placed(host) for request in relay.requests]


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    about, requests = asyncio.run(recorded(kind, port))
    path = Path(__file__).with_name(f"{kind}.json")
    path.write_text(encoded(about, requests))
    print(f"{path.name}: {len(requests)} requests, {repeated(requests):.0%} with a header block seen before")


if __name__ == "__main__":
    main()
