"""kopf, kept to what it is good at: it delivers the events of Workspaces, and its handler says "look at this key".

It runs on a loop in a thread of its own, for two reasons found in its source. It ends its process on what an API server
does in an outage (410 at connect, 404, an ERROR event); here it is started again instead. And when it ends it cancels
every task of its loop it did not find there at its start, which would be ours.
It writes nothing: no finalizers, no annotations, no events, no peering; it lists nothing but the Workspaces.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import kopf
import structlog
import uvloop

from guildnet.names import GROUP, VERSION, WORKSPACES

log = structlog.get_logger(__name__)

WORKERS: Final = 32
IDLE_SECONDS: Final = 0.05
"""A worker of kopf's holds its place until it was idle so long: with its default of 5 s, thousands would queue up."""
GOODBYE: Final = 0.25
LONGEST_PAUSE: Final = 15.0
RESTARTS: Final = (2.0, 4.0, 8.0, LONGEST_PAUSE, 2 * LONGEST_PAUSE)
"""Seconds between two lives of kopf that end early; the last for all that follow. Each begins with eight requests."""


class Backoffs:
    """Seconds between kopf's attempts at a request: growing, capped, and without an end at which it would give up."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1.0, 2.0, 4.0, 8.0)
        while True:
            yield LONGEST_PAUSE


class NoDiffs(kopf.DiffBaseStorage):
    """kopf would copy every object twice to tell later what changed in it; nobody here asks."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


def settings() -> kopf.OperatorSettings:
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    made.peering.standalone = True
    made.scanning.disabled = True  # or it would list and watch namespaces and CRDs of the whole cluster
    made.queueing.worker_limit = WORKERS
    made.queueing.idle_timeout = IDLE_SECONDS
    made.networking.error_backoffs = Backoffs()
    made.networking.request_timeout = 60.0
    made.networking.connect_timeout = 10.0
    made.watching.inactivity_timeout = 70.0
    # Between two watches, also where each is ended by an error inside of it; our own watches bring the same news.
    made.watching.reconnect_backoff = 3.0
    made.persistence.diffbase_storage = NoDiffs()
    made.process.ultimate_exiting_timeout = None
    return made


class KopfSource:
    """`run()` keeps kopf running until cancelled. `look` is called on the loop that runs `run`."""

    def __init__(self, namespace: str, kubeconfig: str | None, look: Callable[[str], None]) -> None:
        self._namespace = namespace
        self._kubeconfig = kubeconfig
        self._look = look
        self.running = False

    async def run(self) -> None:
        short = 0
        while True:
            began = asyncio.get_running_loop().time()
            await self._session()
            if asyncio.get_running_loop().time() - began > 60.0:
                short = 0
            pause = RESTARTS[min(short, len(RESTARTS) - 1)]
            short += 1
            log.warning("event delivery ended; it starts again", pause=pause)
            await asyncio.sleep(pause)

    async def _session(self) -> None:
        """One life of kopf, in a thread; ends when it gives up, and makes it end when cancelled."""
        ended = asyncio.Event()
        stop = _Stop()
        ours = asyncio.get_running_loop()

        def tell(callback: Callable[..., None], *arguments: str) -> None:
            with contextlib.suppress(RuntimeError):  # our loop has closed: there is nobody to tell
                ours.call_soon_threadsafe(callback, *arguments)

        def seen(name: str) -> None:
            tell(self._look, name)

        def live() -> None:
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(_operate(self._namespace, self._registry(seen), stop))
            except Exception as error:  # noqa: BLE001 - whatever it died of, it is started again
                log.warning("kopf stopped", error=f"{type(error).__name__}: {error}")
            finally:
                tell(ended.set)

        thread = threading.Thread(target=live, name="kopf", daemon=True)
        thread.start()
        self.running = True
        try:
            await ended.wait()
        except asyncio.CancelledError:
            stop.set()
            await asyncio.to_thread(thread.join, 10.0)
            raise
        finally:
            self.running = False

    def _registry(self, seen: Callable[[str], None]) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: Any) -> kopf.ConnectionInfo:
            return await connection(self._kubeconfig)

        @kopf.on.event(GROUP, VERSION, WORKSPACES, registry=registry)
        async def look(name: str | None, **_: Any) -> None:
            if name:
                seen(name)

        return registry


class _Stop:
    """A flag set from one thread and awaited in the loop of another, which may not be there yet or no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def set(self) -> None:
        with self._lock:
            self._set = True
            if self._waiting is not None:
                loop, event = self._waiting
                loop.call_soon_threadsafe(event.set)

    def event(self) -> asyncio.Event:
        """For the running loop; call it once."""
        event = asyncio.Event()
        with self._lock:
            self._waiting = (asyncio.get_running_loop(), event)
            if self._set:
                event.set()
        return event

    def leave(self) -> None:
        """The loop is about to close."""
        with self._lock:
            self._waiting = None


async def _operate(namespace: str, registry: kopf.OperatorRegistry, stop: _Stop) -> None:
    event = stop.event()
    try:
        await kopf.operator(
            registry=registry, settings=settings(), namespaces=[namespace], standalone=True, stop_flag=event
        )
    finally:
        stop.leave()
        # TLS connections are closed by an exchange that nobody waits for; the loop must not close before it is over.
        await asyncio.sleep(GOODBYE)


async def connection(kubeconfig: str | None) -> kopf.ConnectionInfo:
    """The credentials for kopf, from the same place and by the same reader as everybody else's.

    kopf's own login would look for a synchronous Kubernetes client and import it.
    """
    from kubernetes.aio import config
    from kubernetes.aio.client import Configuration

    found = Configuration()
    read: Any = config  # untyped
    if kubeconfig:
        await read.load_kube_config(config_file=kubeconfig, client_configuration=found, persist_config=False)
    else:
        read.load_incluster_config(client_configuration=found)
    given: Any = await found.auth_settings()
    headers = [item["value"] for item in given.values()]
    scheme, _, token = headers[0].partition(" ") if headers else ("", "", "")
    return kopf.ConnectionInfo(
        server=found.host,
        ca_path=found.ssl_ca_cert or None,
        insecure=not found.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=found.cert_file or None,
        private_key_path=found.key_file or None,
    )


def quieten() -> None:
    """kopf's own log repeats each attempt of an outage as an error; what matters of it is logged here."""
    for name in ("kopf", "kopf.objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
