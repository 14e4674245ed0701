"""What is open ends with what it rests on, wherever it is open: the last byte comes ten seconds after at the latest.

A logout, a deleted account's token (as a session and as a bearer token), a Capability and a tailnet role taken away, a
stopped workspace and a device that left the tailnet, each for a caller of its own who has everything open: a request
whose body is being sent, a WebSocket and a stream on the workspace's own origin and in the path form, the api's
streams; and who asks again and again on both origins. Beside them a witness has the same open, and keeps it.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from guildnet.kube.client import connect
from guildnet.kube.resources import CAPABILITIES, WORKSPACES
from guildnet.names import API_VERSION
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.visited.callers import Caller, by_device, by_session, by_token, logged_out
from proofs.visited.holding import Asking, Held, pod
from proofs.visited.install import Install, Workspace, install
from support.apiserver import ApiServer
from support.shared import shared_apiserver

BOUND_SECONDS: Final = 10.0
WATCHED_SECONDS: Final = 14.0
ROUNDS: Final = 3
APART_SECONDS: Final = 0.7
"""Between the ends of one round: they meet whatever is periodic at different moments."""


@dataclass
class Case:
    """One end for one caller. `keeps` names what of his it does not concern."""

    name: str
    caller: Caller
    ws: Workspace
    end: Callable[[], Awaitable[object]]
    keeps: tuple[str, ...] = ()
    held: list[Held | Asking] = field(default_factory=list)
    at: float = 0.0

    async def open(self) -> None:
        for line in self.caller.lines(self.ws):
            if line.name not in self.keeps:
                self.held.append(await Held(line).open())
        for form in ("own origin", "path form", "api") if self.caller.is_program else ("own origin", "api"):
            name = f"next request, {form}"
            if name not in self.keeps:
                self.held.append(await Asking(name, partial(self.caller.asks, self.ws, form)).open())

    async def go(self) -> None:
        self.at = time.monotonic()
        await self.end()

    async def close(self) -> None:
        for each in self.held:
            await each.close()


@dataclass
class Found:
    """Seconds from an end to the last byte, by what was open; what never ended; what ended that nobody ended."""

    seconds: dict[str, float] = field(default_factory=dict)
    stayed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def _name(each: Held | Asking) -> str:
    return each.line.name if isinstance(each, Held) else each.name


def _user(made: Install, account: str) -> dict[str, str]:
    return {"kind": "User", "name": f"system:serviceaccount:{made.namespace}:{account}"}


async def _capability(made: Install, name: str, *subjects: dict[str, str]) -> None:
    spec: dict[str, Any] = {"actions": ["proxy", "readLogs", "list"], "subjects": list(subjects)}
    body = {"apiVersion": API_VERSION, "kind": "Capability", "metadata": {"name": name}, "spec": spec}
    await made.kube.create(CAPABILITIES, made.namespace, body)


async def _cases(made: Install, number: int, port: int) -> tuple[list[Case], Case]:
    """Every end, and the witness for whom there is none."""
    ws = await made.workspace(f"ws-{number}", port)
    stops = await made.workspace(f"stops-{number}", port)
    accounts = {name: f"{name}-{number}" for name in ("logout", "session", "token", "capability", "stop", "witness")}
    tokens = {name: await made.token(account) for name, account in accounts.items()}
    stay = [_user(made, account) for name, account in accounts.items() if name != "capability"]
    gone, roleless = f"100.64.{number}.8", f"100.64.{number}.9"
    made.sidecar.knows(gone, "bob@example.com")
    made.sidecar.knows(roleless, "carol@example.com", "admin")
    await _capability(made, f"stay-{number}", *stay, {"kind": "User", "name": "bob@example.com"})
    await _capability(made, f"goes-{number}", _user(made, accounts["capability"]))
    await asyncio.sleep(1.0)  # until everybody's watch has told of them
    delete = made.kube.delete
    logout = await by_session(made, ws, tokens["logout"])
    stopped = {"spec": {"running": False}}

    async def loses_its_role() -> None:
        made.sidecar.knows(roleless, "carol@example.com")

    async def leaves() -> None:
        del made.sidecar.devices[gone]

    list_ = "SSE of the list, api"
    cases = [
        Case("logout", logout, ws, partial(logged_out, made, logout)),
        Case("deleted account, its session", await by_session(made, ws, tokens["session"]), ws,
             partial(made.forget, accounts["session"])),
        Case("deleted account, its token", by_token(made, ws, tokens["token"]), ws,
             partial(made.forget, accounts["token"])),
        Case("removed Capability", await by_session(made, ws, tokens["capability"]), ws,
             partial(delete, CAPABILITIES, made.namespace, f"goes-{number}"), (list_,)),
        Case("removed role", by_device(made, ws, roleless, "carol@example.com"), ws, loses_its_role),
        Case("removed device", by_device(made, ws, gone, "bob@example.com"), ws, leaves),
        Case("stopped workspace", await by_session(made, stops, tokens["stop"]), stops,
             partial(made.kube.merge_patch, WORKSPACES, made.namespace, stops.name, stopped),
             (list_, "SSE of the log, api", "next request, api")),
    ]  # fmt: skip
    return cases, Case("witness", await by_session(made, ws, tokens["witness"]), ws, leaves)


async def _round(made: Install, number: int, port: int, found: Found) -> None:
    cases, witness = await _cases(made, number, port)
    try:
        for case in (*cases, witness):
            await case.open()
        await asyncio.sleep(1.0)
        for case in cases:
            await case.go()
            await asyncio.sleep(APART_SECONDS)
        await asyncio.sleep(WATCHED_SECONDS)
        for case in cases:
            for each in case.held:
                name = f"{case.name}: {_name(each)}"
                if each.ended:
                    found.seconds[name] = max(found.seconds.get(name, 0.0), each.last - case.at)
                else:
                    found.stayed.append(name)
        found.lost += [f"the witness: {_name(each)}" for each in witness.held if each.ended]
    finally:
        for case in (*cases, witness):
            await case.close()


async def _found(server: ApiServer, directory: Path, rounds: int) -> Found:
    found = Found()
    pods = await asyncio.start_server(pod, "127.0.0.1", 0)
    async with (
        connect(str(server.kubeconfig), user_agent="guildnet-proofs") as kube,
        install(server, kube, directory) as made,
    ):
        for number in range(rounds):
            await _round(made, number, pods.sockets[0].getsockname()[1], found)
    pods.close()
    return found


def judged(found: Found, rounds: int) -> Figure:
    for name, seconds in sorted(found.seconds.items(), key=lambda item: -item[1])[:12]:
        print(f"  {seconds:5.1f} s  {name}")
    for complaint in (*found.stayed, *found.lost):
        print(f"  NOT AS PROMISED: {complaint} {'never ended' if complaint in found.stayed else 'ended'}")
    slowest = max(found.seconds, key=found.seconds.__getitem__, default="nothing")
    worst = found.seconds.get(slowest, 0.0)
    text = (
        f"{len(found.seconds)} kinds of end, {rounds} times: slowest last byte after {worst:.1f} s (≤ "
        f"{BOUND_SECONDS:.0f}), {slowest}; {len(found.stayed)} never ended (0), {len(found.lost)} of a witness did (0)"
    )
    return Figure(text, bool(found.seconds) and worst <= BOUND_SECONDS and not found.stayed and not found.lost)


def prove(*, quick: bool = False) -> Figure:
    """The short form is one round."""
    quiet()
    rounds = 1 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory) / "server") as server:
        with redirect_stdout(io.StringIO()):  # an audit line for each denial
            found = asyncio.run(_found(server, Path(directory), rounds))
        return judged(found, rounds)
