"""The built UI's files, and its page for every path that is not a file: routes of the UI are known to the UI alone.

Files are read and packed once, at the start: what is not in the list is not served, so no path can climb out of the
directory, and a request costs neither the disk nor a compressor.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_RESERVED: Final = ("/api", "/sse", "/proxy", "/healthz", "/readyz", "/.guildnet")
_NO_UI: Final = "This is GuildNet's API. No UI is installed beside it; /api/openapi.json lists what can be asked.\n"
_INLINE: Final = re.compile(rb"<(script|style)(\s[^>]*)?>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class File:
    """A file in the two forms it is sent in; `packed` is empty where gzip does not make it smaller."""

    kind: str
    caching: str
    plain: bytes
    packed: bytes
    etag: str

    def answer(self, headers: Headers) -> Response:
        """The form that the client takes, or 304 when it has that one already."""
        packed = bool(self.packed) and takes_gzip(headers.get("accept-encoding", ""))
        # Two forms of one file are two representations: each has a strong tag of its own.
        tag = f'"{self.etag}-gzip"' if packed else f'"{self.etag}"'
        own = {"ETag": tag, "Cache-Control": self.caching, **({"Vary": "Accept-Encoding"} if self.packed else {})}
        known = [item.strip().removeprefix("W/") for item in headers.get("if-none-match", "").split(",")]
        if tag in known or "*" in known:
            return Response(status_code=304, headers=own)
        if packed:
            return Response(self.packed, media_type=self.kind, headers={**own, "Content-Encoding": "gzip"})
        return Response(self.plain, media_type=self.kind, headers=own)


@dataclass(frozen=True, slots=True)
class Ui:
    """An ASGI application. `scripts` and `styles` are the CSP hashes of what the page has inline."""

    files: Mapping[str, File]
    page: File | None = None
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
        if self.page is None:
            return Response(_NO_UI, 404, media_type="text/plain")
        file = self.files.get(path)
        if file is None and path.startswith("/assets/"):
            raise HTTPException(404)
        return (file or self.page).answer(headers)


def load(directory: Path | None) -> Ui:
    """The UI of a directory. A directory without a page, or none, gives an api that says so at `/`."""
    if directory is None or not (directory / "index.html").is_file():
        return Ui({})
    found = {f"/{path.relative_to(directory).as_posix()}": path for path in directory.rglob("*") if path.is_file()}
    files = {place: _file(place, path) for place, path in found.items()}
    page = files.pop("/index.html")
    scripts, styles = inline_hashes(page.plain)
    return Ui(files, page, scripts, styles)


def _file(place: str, path: Path) -> File:
    plain = path.read_bytes()
    packed = gzip.compress(plain, 9, mtime=0)
    return File(
        kind=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        # Vite puts a hash of the content into every name below assets/.
        caching=_FOREVER if place.startswith("/assets/") else "no-cache",
        plain=plain,
        packed=packed if len(packed) < len(plain) else b"",
        etag=hashlib.sha256(plain).hexdigest()[:24],
    )


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding allows gzip: named, or meant by `*`, and not with a weight of nothing (RFC 9110)."""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        coding, _, weight = (part.strip() for part in item.partition(";"))
        try:
            weights[coding] = float(weight.removeprefix("q=")) if weight else 1.0
        except ValueError:
            weights[coding] = 0.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def inline_hashes(page: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The CSP sources of a page's inline scripts and styles."""
    found: dict[str, list[str]] = {"script": [], "style": []}
    for kind, _, content in _INLINE.findall(page):
        if content.strip():
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            found[kind.decode().lower()].append(f"'sha256-{digest}'")
    return tuple(found["script"]), tuple(found["style"])
