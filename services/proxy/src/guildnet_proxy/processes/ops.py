"""What the parent asks a process: is it alive, is it ready, what has it counted."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from guildnet.errors import Unreachable

ASK_SECONDS = 1.5
"""Below what one check of /readyz may take."""


class Ops:
    """A client of the socket at `path`."""

    def __init__(self, path: Path) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(path), limit=8, force_close=True),
            timeout=aiohttp.ClientTimeout(total=ASK_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def aclose(self) -> None:
        await self._session.close()

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text; raises Unreachable."""
        try:
            async with self._session.get("http://process" + path) as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(f"no answer: {type(error).__name__}") from error
