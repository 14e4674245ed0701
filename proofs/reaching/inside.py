"""The proof's inside: run in network and mount namespaces of its own, it prints what it found as one line of JSON."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from guildnet.identity import Identity
from guildnet.web.entries import Entry
from guildnet_proxy.auth.sessions import Sessions
from proofs import PYTHON_PATH
from proofs.bench.cluster import NAMESPACE, listing
from proofs.proxied.running import INSTALL, ready
from proofs.reaching import canaries, install, names, targets
from proofs.reaching.canaries import Canaries, Place
from proofs.reaching.targets import LISTED, OWN, POD, PORT, PORTS, SPECIAL, Denied
from support.process import Process, free_port, listening
from support.waiting import eventually

EVERYTHING = f"0.0.0.0/0:{PORT},[::/0]:{PORT}"
"""What the operator of the install lists: the guard alone is between the caller and every address there is."""
REACHED: tuple[Place, ...] = ((POD, PORT), (LISTED, PORT))
WELL: tuple[tuple[str, Place], ...] = (
    (f"/proxy/server/{install.MINE}/", (POD, PORT)),
    (f"/proxy/{POD}:{PORT}/", (POD, PORT)),
    (f"/proxy?to=[::ffff:{POD}]:{PORT}&path=/", (POD, PORT)),
    (f"/proxy?to={LISTED}:{PORT}&path=/", (LISTED, PORT)),
    (f"/proxy/good.example:{PORT}/", (LISTED, PORT)),
)
"""What is allowed, and where it leads."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Requests of one caller to the proxy."""

    port: int
    cookie: str

    async def ask(self, path: str) -> int:
        """The status of the answer, 0 for none."""
        lines = (
            f"GET {path} HTTP/1.1", f"Host: guildnet.localhost:{self.port}", f"Cookie: {self.cookie}",
            "Connection: close",
        )  # fmt: skip
        try:
            async with asyncio.timeout(20):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
                answer = await reader.read(-1)
        except (OSError, TimeoutError):
            return 0
        writer.close()
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def path_of(one: Denied) -> str:
    if one.form == "server":
        return f"/proxy/server/{one.target.partition(' ')[0]}/"
    if one.form == "redirect":
        return f"/proxy/server/{install.MINE}/redirect-to/{one.target}"
    return f"/proxy/{one.target}/" if one.form == "path" else f"/proxy?to={quote(one.target, safe=':%')}&path=/"


@asynccontextmanager
async def proxy(directory: Path) -> AsyncIterator[Asking]:
    key, port, ops = secrets.token_hex(32), free_port(), free_port()
    (directory / "identity").write_text(key)
    origin = f"http://guildnet.localhost:{port}"
    async with listing(directory, install.objects(), install.elsewhere()) as kubeconfig:
        settings = {
            "PYTHONPATH": PYTHON_PATH, "LISTEN_LOCAL": f"127.0.0.1:{port}", "LOCAL_ORIGIN": origin,
            "IDENTITY_KEY_FILE": str(directory / "identity"), "INSTALL_NAME": INSTALL, "K8S_NAMESPACE": NAMESPACE,
            "KUBECONFIG": str(kubeconfig), "OPS_PORT": str(ops), "OPS_HOST": "127.0.0.1",
            "ALLOWED_TARGETS": EVERYTHING, "PATH_TRUSTED": "true", "DENIED_HOSTS": "redis.example",
            "POD_IP": OWN["this pod"],
            "KUBERNETES_SERVICE_HOST": OWN["the API server's Service"],
        }  # fmt: skip
        log = directory / "proxy.log"
        process = Process([sys.executable, "-P", "-m", "guildnet_proxy"], log, env=settings)
        try:
            await listening(process, port)
            await eventually(lambda: ready(ops), within=20)
            caller = Identity("user", install.ME, "Ann", (), (), "session", Entry("local", origin, "host"))
            sessions = Sessions(key.encode(), INSTALL)
            session = sessions.issue(caller, Entry("local", origin, "host"), time.time())
            asking = Asking(port, f"{sessions.names.session}={session}")
            # Only when everything of its own is known is a listed target reached.
            try:
                await eventually(lambda: _reached(asking), within=20)
            except AssertionError:
                print(process.tail(40))
                raise
            yield asking
        finally:
            await asyncio.to_thread(process.stop)


async def _reached(asking: Asking) -> bool:
    return await asking.ask(WELL[3][0]) == 200


async def controlled(asking: Asking, seen: Canaries) -> tuple[list[str], list[str]]:
    """The positive control: what is allowed arrives where it should; each denied address has a canary."""
    lost = []
    for path, place in WELL:
        before = len(seen.seen)
        if await asking.ask(path) != 200 or seen.seen[before:] != [place]:
            lost.append(path)
    deaf = []
    for address in (*OWN.values(), *SPECIAL.values()):
        before = len(seen.seen)
        came = await canaries.dial((address, PORT))
        await asyncio.sleep(0)
        # To 0.0.0.0 the kernel connects as to loopback, and to some it does not at all: nothing can be reached there.
        if came and not any(port == PORT for _, port in seen.seen[before:]):
            deaf.append(address)
    return lost, deaf


async def found(directory: Path) -> dict[str, object]:
    wrong: list[str] = []
    statuses: Counter[int] = Counter()
    async with canaries.listening(PORTS) as seen:
        resolver = await names.serve({**targets.NAMES, f"{install.NAMED}.{NAMESPACE}.svc.cluster.local": (
            ("169.254.169.254",), (LISTED,))})  # fmt: skip
        async with proxy(directory) as asking:
            lost, deaf = await controlled(asking, seen)
            asked = [*targets.denied(), Denied("a name of its own", "server", install.NAMED)]
            for one in asked:
                before = len(seen.seen)
                status = await asking.ask(path_of(one))
                statuses[status] += 1
                allowed = ((POD, PORT),) if one.form == "redirect" else REACHED if "change" in one.what else ()
                wrong += [
                    f"{one}: {status}, connected to {place}" for place in seen.seen[before:] if place not in allowed
                ]
                if not status or (status >= 500 and status not in {502, 503, 504}):
                    wrong.append(f"{one}: {status}")
    twice = {name: times for (name, _), times in resolver.asked.items() if name in targets.FLIP_FLOPS and times > 10}
    return {
        "asked": len(asked), "opened": sum("connected" in text for text in wrong), "wrong": wrong, "lost": lost,
        "deaf": deaf, "twice": twice, "well": len(WELL),
        "statuses": {str(status): number for status, number in sorted(statuses.items())},
    }  # fmt: skip


def main() -> None:
    canaries.make_every_address_local()
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        resolv = directory / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\noptions ndots:1 attempts:1 timeout:2\n")
        subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)
        try:
            print(json.dumps(asyncio.run(found(directory))))
        finally:
            subprocess.run(["umount", "/etc/resolv.conf"], check=True)


if __name__ == "__main__":
    main()
