"""A victim's app, which counts what is done to it, and a hostile one, which is told what its pages learn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

SECRET: Final = "the-victims-secret-7f3a91"
SESSION: Final = "the-victims-session-c04e"
_PAGE: Final = f"""<!doctype html><title>victim</title><p>{SECRET}</p><script>
localStorage.secret = '{SECRET}'; if (window.top !== window) fetch('/framed', {{method: 'POST'}})</script>"""
_WORKER: Final = """self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => { fetch('/report', {method: 'POST', body: event.request.url}) });"""


@dataclass
class Victim:
    """`done` counts what was done to it: changes, sockets and streams that were opened, pages shown in a frame."""

    done: int = 0

    def app(self) -> web.Application:
        async def text(_: web.Request) -> web.Response:
            return web.Response(text=SECRET)

        async def page(_: web.Request) -> web.Response:
            answer = web.Response(text=_PAGE, content_type="text/html")
            answer.set_cookie("sid", SESSION, httponly=True, path="/")
            return answer

        async def script(_: web.Request) -> web.Response:
            code = f"self.loot = '{SECRET}'; if (self.postMessage && !self.window) postMessage(self.loot)"
            return web.Response(text=code, content_type="text/javascript")

        async def file(_: web.Request) -> web.Response:
            return web.Response(text=SECRET, headers={"Content-Disposition": "attachment; filename=f"})

        async def did(_: web.Request) -> web.Response:
            self.done += 1
            return web.Response(text="done")

        async def who(request: web.Request) -> web.Response:
            return web.Response(text=request.headers.get("Cookie", ""))

        async def socket(request: web.Request) -> web.WebSocketResponse:
            self.done += 1
            answer = web.WebSocketResponse()
            await answer.prepare(request)
            await answer.send_str(SECRET)
            await answer.close()
            return answer

        async def events(request: web.Request) -> web.StreamResponse:
            self.done += 1
            answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await answer.prepare(request)
            await answer.write(f"data: {SECRET}\n\n".encode())
            await asyncio.sleep(0.2)
            return answer

        app = web.Application()
        app.add_routes([
            web.get("/", page), web.get("/secret", text), web.get("/secret.js", script), web.get("/file", file),
            web.post("/change", did), web.post("/framed", did), web.get("/who", who), web.get("/socket", socket),
            web.get("/events", events),
        ])  # fmt: skip
        return app


@dataclass
class Hostile:
    """`reports` are what its service worker saw."""

    reports: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        async def page(_: web.Request) -> web.Response:
            return web.Response(text="<!doctype html><title>hostile</title><body>hostile", content_type="text/html")

        async def worker(_: web.Request) -> web.Response:
            return web.Response(text=_WORKER, content_type="text/javascript")

        async def clear(_: web.Request) -> web.Response:
            return web.Response(text="cleared", headers={"Clear-Site-Data": '"cookies", "storage"'})

        async def report(request: web.Request) -> web.Response:
            self.reports.append(await request.text())
            return web.Response(text="thanks")

        app = web.Application()
        app.add_routes([web.get("/sw.js", worker), web.get("/clear", clear), web.post("/report", report)])
        app.router.add_get("/{rest:.*}", page)
        return app


async def serve(app: web.Application) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, int(runner.addresses[0][1])
