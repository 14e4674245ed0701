"""What a list of 5,000 Workspaces costs, beside a server that asks the cluster for it with the official client.

Real processes before a real API server. 50 dashboards, each an identity of its own, ask for the whole list in turn, and
one Workspace changes before each round: the list is never the one of the round before. CPU is that of the process that
answers, threads included; that of the API server comes on top for the textbook alone.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from guildnet.identity import HEADER, Identity, sign
from guildnet.kube.client import Client, connect
from guildnet.kube.resources import CAPABILITIES, WORKSPACES
from guildnet.names import ANNOTATION_OWNER
from guildnet_local.build import programs
from proofs import PYTHON_PATH, Figure
from proofs.loglab.apis import KEY, Lab
from support.apiserver import ADMIN_TOKEN, PROGRAMS, ApiServer, Servers, make_namespace
from support.process import Process, cpu_seconds, free_port, listening
from support.waiting import eventually

TIMES: Final = 30.0
CAPABILITIES_NUMBER: Final = 20
AT_ONCE: Final = 16
TEXTBOOK_REQUESTS: Final = 10
PATH: Final = "/api/servers"
_LISTS: Final = re.compile(r'^apiserver_request_total\{.*resource="workspaces".*verb="LIST".*\} (\S+)$', re.MULTILINE)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """Workspaces, dashboards, and how often each of these asks."""

    workspaces: int
    dashboards: int
    rounds: int


FULL, QUICK = Size(5000, 50, 4), Size(1000, 50, 4)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds of a list, and how many LISTs the API server counted meanwhile."""

    mode: str
    milliseconds: float
    lists: int

    def __str__(self) -> str:
        return f"{self.mode}: {self.milliseconds:.1f} ms CPU a list, {self.lists} LISTs in the cluster"


@dataclass(frozen=True, slots=True)
class Bench:
    """The cluster, and the Workspaces in it."""

    lab: Lab
    server: ApiServer
    kube: Client
    size: Size

    async def ours(self, mode: str, **settings: str) -> Cost:
        """Every dashboard in turn, round by round."""
        async with (
            self.lab.started(f"api-{mode}", core=None, **settings) as api,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", trust_env=False, timeout=60) as client,
        ):
            seen = {who: await self._shown(client, who) for who in range(2)}
            print(f"  {mode}: dashboards see {', '.join(map(str, seen.values()))} Workspaces", flush=True)
            spent, lists = 0.0, await self._lists()
            for number in range(self.size.rounds):
                await self._change(client, number)
                before = cpu_seconds(api.process.pid)
                for who in range(self.size.dashboards):
                    await self._shown(client, who)
                spent += cpu_seconds(api.process.pid) - before
            asked = self.size.rounds * self.size.dashboards
            return Cost(mode, spent / asked * 1000, await self._lists() - lists)

    async def textbook(self) -> Cost:
        port = free_port()
        settings = {"KUBECONFIG": str(self.lab.kubeconfig), "PYTHONPATH": PYTHON_PATH}
        argv = [sys.executable, "-m", "proofs.readers.textbook", str(port), self.lab.namespace]
        process = Process(argv, self.lab.directory / "textbook.log", env=settings)
        try:
            await listening(process, port)
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=120) as client:
                await client.get(PATH)
                before, lists = cpu_seconds(process.pid), await self._lists()
                for _ in range(TEXTBOOK_REQUESTS):
                    answer = await client.get(PATH)
                    assert len(answer.json()) == self.size.workspaces, answer.text[:200]
                spent = cpu_seconds(process.pid) - before
                return Cost("textbook", spent / TEXTBOOK_REQUESTS * 1000, await self._lists() - lists)
        finally:
            process.stop(kill=True)

    async def capabilities(self) -> None:
        """20 of them: each dashboard's workspaces are opened by one, all that are of some team by the others."""
        for number in range(CAPABILITIES_NUMBER):
            selector = {"matchLabels": {"team": f"t{number}"}} if number else {"matchLabels": {"open": "yes"}}
            spec = {"actions": ["list"], "selector": selector, "subjects": [{"kind": "Any"}]}
            body = {"metadata": {"name": f"c{number}"}, "spec": spec}
            await self.kube.create(CAPABILITIES, self.lab.namespace, body)

    async def create(self) -> None:
        numbers = iter(range(self.size.workspaces))

        async def some() -> None:
            for number in numbers:
                await self.kube.create(WORKSPACES, self.lab.namespace, self._workspace(number))

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    def _workspace(self, number: int) -> Json:
        labels = {"team": f"t{number % 30}", "open": "yes" if number % 2 else "no", "guildnet.io/id": f"ws-{number}"}
        owner = {ANNOTATION_OWNER: _login(number % self.size.dashboards)}
        env = [{"name": f"V{n}", "value": "a value"} for n in range(3)]
        spec = {"image": "example.com/team/app:1", "env": env, "ports": [{"containerPort": 8080}], "notes": "x" * 100}
        return {"metadata": {"name": f"ws-{number}", "labels": labels, "annotations": owner}, "spec": spec}

    async def _shown(self, client: httpx2.AsyncClient, who: int) -> int:
        """How many Workspaces a dashboard is shown."""
        identity = Identity("user", _login(who), source="tailnet")
        headers = {HEADER: sign(identity, KEY, method="GET", path=PATH, now=time.time())}
        answer = await client.get(PATH, headers=headers)
        assert answer.status_code == 200, answer.text[:200]
        return answer.content.count(b'"proxy_url"')

    async def _change(self, client: httpx2.AsyncClient, number: int) -> None:
        """Change a Workspace, and wait until the api shows it."""
        notes = f"changed {time.time_ns()}"
        await self.kube.merge_patch(WORKSPACES, self.lab.namespace, "ws-0", {"spec": {"notes": notes}})
        identity = Identity("token", "admin", roles=("admin",), source="bearer")

        async def shown() -> bool:
            path = f"{PATH}/ws-0"
            headers = {HEADER: sign(identity, KEY, method="GET", path=path, now=time.time())}
            return bool((await client.get(path, headers=headers)).json().get("notes") == notes)

        await eventually(shown, within=10, every=0.05)

    async def _lists(self) -> int:
        """LISTs of Workspaces that the API server has answered."""
        trust = ssl.create_default_context(cafile=self.server.ca)
        async with httpx2.AsyncClient(verify=trust, trust_env=False, timeout=60) as client:
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
            metrics = await client.get(f"{self.server.url}/metrics", headers=headers)
        assert metrics.status_code == 200, metrics.text[:200]
        return sum(int(float(each)) for each in _LISTS.findall(metrics.text))


def _login(who: int) -> str:
    return f"dashboard-{who}@example.com"


async def _measured(directory: Path, size: Size) -> Sequence[Cost]:
    servers = Servers(directory / "apiserver", programs.ensure(PROGRAMS, report=print))
    try:
        server = await asyncio.to_thread(servers.start)
        async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
            namespace = await make_namespace(kube)
            bench = Bench(Lab(directory, server.kubeconfig, namespace, ""), server, kube, size)
            await bench.create()
            costs = [
                await bench.textbook(),
                await bench.ours("open"),
                await bench.ours("owner", ACCESS_DEFAULT="owner"),
            ]
            await bench.capabilities()
            costs.append(await bench.ours("capabilities"))
            for cost in costs:
                print(f"  {cost}", flush=True)
            return costs
    finally:
        servers.stop()


def judged(costs: Sequence[Cost], size: Size) -> Figure:
    textbook, *ours = costs
    times = {cost.mode: textbook.milliseconds / cost.milliseconds for cost in ours}
    lists = sum(cost.lists for cost in ours)
    text = (
        f"a list of {size.workspaces} costs the official client's way {textbook.milliseconds:.0f} ms CPU, ours 1/"
        f"{times['open']:.0f} of it, in owner mode 1/{times['owner']:.0f}, with {CAPABILITIES_NUMBER} Capabilities 1/"
        f"{times['capabilities']:.0f} (each ≤ 1/{TIMES:g}); {size.dashboards} dashboards caused {lists} LISTs (0)"
    )
    return Figure(text, min(times.values()) >= TIMES and lists == 0 and textbook.lists >= TEXTBOOK_REQUESTS)


def prove(*, quick: bool = False) -> Figure:
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory:
        return judged(asyncio.run(_measured(Path(directory), size)), size)
