"""`uvicorn_app.py PORT LOG`: uvicorn on h11, which reads HTTP unlike llhttp, the parser of the proxy and of Node.js."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

from proofs.vectors.servers.seen import HEADER, seen


class Refusals(logging.Handler):
    """Writes that uvicorn refused a request itself."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        if "Invalid HTTP request" in record.getMessage():
            with self.file.open("a") as file:
                file.write('{"refused": 400}\n')


def application(log: Path) -> Callable[..., Awaitable[None]]:
    async def answer(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"]
        target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1")
        said = seen(scope["method"], target, scope["headers"], body)
        with log.open("a") as file:
            file.write(said + "\n")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(said)),
            (HEADER.lower().encode(), f"{scope['method']} {target}".encode("latin-1")),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said.encode()})

    return answer


def main() -> None:
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    logging.getLogger("uvicorn.error").addHandler(Refusals(log))
    config = uvicorn.Config(
        application(log), host="127.0.0.1", port=port, http="h11", ws="none", lifespan="off", access_log=False,
        timeout_keep_alive=120, h11_max_incomplete_event_size=1 << 17, proxy_headers=False, log_config=None,
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
