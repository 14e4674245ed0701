"""`aiohttp_app.py PORT LOG`: aiohttp as the server behind the proxy, and as the origin behind servers that forward."""

from __future__ import annotations

import sys
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from proofs.vectors.servers.seen import HEADER, seen


class Refusals(AbstractAccessLogger):
    """Writes what aiohttp refused itself; what it served the application writes."""

    log_file: Path

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        if response.status == 400:
            with self.log_file.open("a") as file:
                file.write('{"refused": 400}\n')


def main() -> None:
    port, Refusals.log_file = int(sys.argv[1]), Path(sys.argv[2])

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        said = seen(request.method, request.raw_path, request.raw_headers, body)
        with Refusals.log_file.open("a") as file:
            file.write(said + "\n")
        headers = {HEADER: f"{request.method} {request.raw_path}"}
        return web.Response(text=said, content_type="application/json", headers=headers)

    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", r"/{rest:[\s\S]*}", answer)
    web.run_app(
        app, host="127.0.0.1", port=port, print=None, access_log_class=Refusals, keepalive_timeout=120,
        max_line_size=65536, max_field_size=65536, handle_signals=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
