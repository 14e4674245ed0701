"""A recorded session of a browser, and how it is played to a proxy. Pure.

The file keeps each header block once: requests point into the list of blocks. `{host}` stands for the origin's host and
port, `{cookie}` for the session's cookie.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

HOST: Final = "{host}"
COOKIE: Final = "{cookie}"
KINDS: Final = ("jupyterlab", "code-server")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request: its block is every header line, without the request line and the empty one."""

    method: str
    target: str
    block: str
    body_bytes: int
    upgrade: bool

    @classmethod
    def of(cls, head: bytes) -> Recorded:
        """Of a head as it came. Raises ValueError for a chunked body, which no browser sends here."""
        line, _, block = head.decode("latin-1").removesuffix("\r\n\r\n").partition("\r\n")
        method, target, _ = line.split(" ")
        fields = dict(part.lower().split(": ", 1) for part in block.split("\r\n"))
        if "transfer-encoding" in fields:
            raise ValueError("a chunked request")
        return cls(method, target, block, int(fields.get("content-length", 0)), "upgrade" in fields)

    def placed(self, host: str) -> Recorded:
        """With the placeholders where the recording's host and cookies are."""
        lines = [line.replace(host, HOST) for line in self.block.split("\r\n")]
        with_cookie = [f"{line}; {COOKIE}" if line.lower().startswith("cookie: ") else line for line in lines]
        if with_cookie == lines:
            with_cookie.append(f"Cookie: {COOKIE}")
        return replace(self, block="\r\n".join(with_cookie))

    def played(self, host: str, cookie: str) -> bytes:
        """The bytes of the request, with a body of zeros as long as the recorded one."""
        block = self.block.replace(HOST, host).replace(COOKIE, cookie)
        head = f"{self.method} {self.target} HTTP/1.1\r\n{block}\r\n\r\n"
        return head.encode("latin-1") + b"0" * self.body_bytes


def encoded(about: str, requests: Iterable[Recorded]) -> str:
    """The text of the file: a header line or a request on each line."""
    blocks: dict[str, int] = {}
    rows = [
        [item.method, item.target, blocks.setdefault(item.block, len(blocks)), item.body_bytes, item.upgrade]
        for item in requests
    ]
    written = [",\n".join(f"   {json.dumps(line)}" for line in block.split("\r\n")) for block in blocks]
    listed = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    joined = ",\n".join(f"  [\n{lines}\n  ]" for lines in written)
    return f'{{\n "about": {json.dumps(about)},\n "blocks": [\n{joined}\n ],\n "requests": [\n{listed}\n ]\n}}\n'


def read(kind: str) -> list[Recorded]:
    """The recorded requests of a kind, in their order."""
    document = json.loads(Path(__file__).with_name(f"{kind}.json").read_text())
    blocks = ["\r\n".join(lines) for lines in document["blocks"]]
    return [
        Recorded(method, target, blocks[block], body_bytes, upgrade)
        for method, target, block, body_bytes, upgrade in document["requests"]
    ]


def playable(requests: Iterable[Recorded]) -> list[Recorded]:
    """Those that have one answer, with a body: an upgrade has none, HEAD has none."""
    return [item for item in requests if not item.upgrade and item.method != "HEAD"]


def repeated(requests: Sequence[Recorded]) -> float:
    """Share of the requests whose header block one before had: the most that a memo can hit in one session."""
    return 1 - len({item.block for item in requests}) / len(requests)
