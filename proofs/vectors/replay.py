"""A vector sent through the proxy to a real server, with a request behind it, and what both sides saw compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from proofs.proxied.running import Proxy
from proofs.vectors.behind import Behind
from proofs.vectors.servers.seen import HEADER
from proofs.vectors.vector import EVIL, Outcome, Seen, Vector
from proofs.vectors.wire import Answer, WireError, answers
from support.waiting import eventually

WITHIN_SECONDS: Final = 8.0
ASK_BEHIND: Final = "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
_TOLD: Final = HEADER.lower().encode()


@dataclass
class Tally:
    """What came of the vectors that one server was asked.

    `meant` requests were to reach it whole, `begun` more might have with their head alone; `turned_away` are those that
    it refused though the proxy forwarded them, `own_faults` answers of 5xx that nobody expected of the proxy.
    """

    server: str
    replayed: int = 0
    meant: int = 0
    begun: int = 0
    turned_away: int = 0
    own_faults: int = 0
    disagreements: list[str] = field(default_factory=list)

    def add(self, name: str, clause: str, faults: Iterable[str]) -> None:
        self.replayed += 1
        self.disagreements += [f"{self.server}, {name} ({clause}): {fault}" for fault in faults]


async def replay(proxy: Proxy, behind: Behind, vectors: Sequence[Vector]) -> Tally:
    """One after the other: connections to the server are reused, so that one which is out of step shows in the next."""
    tally = Tally(behind.name)
    for vector in vectors:
        tally.add(vector.name, vector.clause, await _one(proxy, behind, vector, tally))
    await _counted(behind, tally)
    return tally


async def said(port: int, *pieces: bytes, between: Callable[[], Awaitable[None]] | None = None) -> bytes:
    """All that is said to these bytes until the connection ends or breaks, `between` awaited before each but the first.

    Raises WireError where the connection does neither.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    got = b""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            for number, piece in enumerate(pieces):
                if number and between:
                    await between()
                writer.write(piece)
            while data := await reader.read(2**16):
                got += data
    except TimeoutError:
        raise WireError(f"no end within {WITHIN_SECONDS:g} s, after {got[:80]!r}") from None
    except OSError:
        pass  # what came before a reset is judged
    finally:
        writer.close()
    return got


async def _one(proxy: Proxy, behind: Behind, vector: Vector, tally: Tally) -> list[str]:
    """The faults of one vector."""
    host, cookie = proxy.host(behind.name), proxy.cookie(behind.name)
    last = Seen(target=f"/behind/{vector.name}")
    expected: list[Outcome] = [*vector.expect, *([] if vector.closes else [last])]
    expected = [replace(one, target=behind.hands_on(one.target)) if isinstance(one, Seen) else one for one in expected]
    methods = [outcome.method if isinstance(outcome, Seen) else "GET" for outcome in expected]
    ask = ASK_BEHIND.format(target=last.target, host=host, cookie=cookie).encode()
    try:
        got = answers(await said(proxy.port, vector.filled(host, cookie) + ask), methods)
        tally.own_faults += sum(answer.status >= 500 and not answer.one(_TOLD) for answer in got)
    except WireError as error:
        got, faults = [], [str(error)]
    else:
        faults = _client(got, expected, vector, behind.name, host)
    away = [_turned_away(vector, behind.name, number, answer) for number, answer in enumerate(got)]
    away += [False] * (len(expected) - len(away))
    meant = [one for one in expected if isinstance(one, Seen)]
    tally.meant += len(meant)
    tally.begun += vector.begun
    tally.turned_away += sum(away)
    served = [one for one, gone in zip(expected, away, strict=False) if isinstance(one, Seen) and not gone]
    return faults + _server(behind, served, host)


def _turned_away(vector: Vector, server: str, number: int, answer: Answer) -> bool:
    return number < len(vector.expect) and server in vector.refused_by and 400 <= answer.status < 500


def _client(got: Sequence[Answer], expected: Sequence[Outcome], vector: Vector, server: str, host: str) -> list[str]:
    """Faults that the client sees: each answer has to belong to its request."""
    if len(got) != len(expected):
        return [f"{len(got)} answers ({', '.join(str(answer.status) for answer in got)}) for {len(expected)}"]
    faults = []
    for number, (answer, outcome) in enumerate(zip(got, expected, strict=True)):
        told = answer.one(_TOLD).decode("latin-1")
        if isinstance(outcome, int):
            if answer.status != outcome or told:
                faults.append(f"answer {number + 1} is {answer.status}, not {outcome} of the proxy's own")
        elif _turned_away(vector, server, number, answer):
            continue
        elif answer.status != 200 or told != f"{outcome.method} {outcome.target}":
            faults.append(f"answer {number + 1} is {answer.status} for {told[:60]!r}, not for {outcome.method}")
        elif outcome.method != "HEAD":
            faults += _differs(json.loads(answer.body), outcome, host)
    return faults


def _server(behind: Behind, served: Sequence[Seen], host: str) -> list[str]:
    """Faults that the server sees: these requests and no other have to have come, each as it was meant."""
    whole = [one for one in behind.seen() if "refused" not in one]
    if [(one["method"], one["target"]) for one in whole] != [(one.method, one.target) for one in served]:
        seen = ", ".join(f"{one['method']} {one['target'][:40]}" for one in whole) or "nothing"
        return [f"the server saw {seen}"]
    return [fault for one, meant in zip(whole, served, strict=True) for fault in _differs(one, meant, host)]


def _differs(seen: dict[str, Any], meant: Seen, host: str) -> list[str]:
    """What the server understood, against what was meant for it."""
    wanted = {"method": meant.method, "target": meant.target, "host": host, "body": meant.body.decode("latin-1")}
    faults = [
        f"{key} is {str(seen[key])[:60]!r}, not {value[:60]!r}" for key, value in wanted.items() if seen[key] != value
    ]
    pairs = [(name, value) for name, value in seen["fields"]]
    faults += [f"{pair!r} is missing" for pair in meant.has if pair not in pairs]
    return faults + [f"{name}: {value[:60]}" for name, value in pairs if EVIL in f"{name} {value}".lower()]


async def _counted(behind: Behind, tally: Tally) -> None:
    """The server's own count, a moment later: no request besides, and none refused that it was not to refuse."""
    await asyncio.sleep(0.5)
    late = behind.seen()
    if any("refused" not in one for one in late):
        tally.disagreements.append(f"{tally.server}: requests came late, the first {late[0]}")
    refused = sum("refused" in one for one in behind.counted)
    if refused > tally.begun + tally.turned_away:
        tally.disagreements.append(f"{tally.server}: it refused {refused} requests, {tally.turned_away} were meant")
    if behind.access is None:
        return
    lines: list[str] = []

    def written() -> bool:
        lines.extend(behind.logged())
        return len(lines) >= tally.meant

    await eventually(written, within=5)
    if len(lines) > tally.meant + tally.begun:
        tally.disagreements.append(f"{tally.server}: its log has {len(lines)} requests, {tally.meant} were meant")
