"""The built UI's files, and its page for every path that is not a file: routes of the UI are known to the UI alone.

Files are found once, at the start: what is not in the list is not served, so no path can climb out of the directory.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

_RESERVED: Final = ("/api", "/sse", "/proxy", "/healthz", "/readyz", "/.guildnet")
_NO_UI: Final = "This is GuildNet's API. No UI is installed beside it; /api/openapi.json lists what can be asked.\n"
_INLINE: Final = re.compile(rb"<(script|style)(\s[^>]*)?>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Ui:
    """An ASGI application. `scripts` and `styles` are the CSP hashes of what the page has inline."""

    files: Mapping[str, Path]
    page: bytes
    etag: str
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in _RESERVED):
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        await self._answer(path, Headers(scope=scope))(scope, receive, send)

    def _answer(self, path: str, headers: Headers) -> Response:
        file = self.files.get(path)
        if file is not None:
            # Vite puts a hash of the content into every name below assets/.
            caching = _FOREVER if path.startswith("/assets/") else "no-cache"
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            return FileResponse(file, media_type=kind, headers={"Cache-Control": caching})
        if not self.page:
            return Response(_NO_UI, 404, media_type="text/plain")
        if path.startswith("/assets/"):
            raise HTTPException(404)
        caching_headers = {"ETag": self.etag, "Cache-Control": "no-cache"}
        if headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=caching_headers)
        return Response(self.page, media_type="text/html", headers=caching_headers)


def load(directory: Path | None) -> Ui:
    """The UI of a directory. A directory without a page, or none, gives an api that says so at `/`."""
    if directory is None or not (directory / "index.html").is_file():
        return Ui({}, b"", "")
    page = (directory / "index.html").read_bytes()
    files = {
        f"/{path.relative_to(directory).as_posix()}": path
        for path in directory.rglob("*")
        if path.is_file() and path.name != "index.html"
    }
    scripts, styles = inline_hashes(page)
    return Ui(files, page, f'"{hashlib.sha256(page).hexdigest()[:24]}"', scripts, styles)


def inline_hashes(page: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The CSP sources of a page's inline scripts and styles."""
    found: dict[str, list[str]] = {"script": [], "style": []}
    for kind, _, content in _INLINE.findall(page):
        if content.strip():
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            found[kind.decode().lower()].append(f"'sha256-{digest}'")
    return tuple(found["script"]), tuple(found["style"])
