"""kopf as the watch of Workspaces: its events, with the object, are handed to a `Sink` on our loop.

kopf runs on a loop in a thread of its own, for two reasons found in its source. It ends its process on what an API
server does in an outage (410 at connect, 404, an ERROR event); here it is started again instead. And when it ends it
cancels every task of its loop it did not find there at its start, which would be ours.
It writes nothing: no finalizers, no annotations, no events, no peering; it lists nothing but the Workspaces.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import kopf
import structlog
import uvloop

from guildnet.names import GROUP, VERSION, WORKSPACES
from guildnet_operator.watch.kopf_login import Login, Requests, Sink, Tell

log = structlog.get_logger(__name__)

MAX_WORKERS: Final = 100
WORKER_IDLE_SECONDS: Final = 0.01
"""A worker of kopf's holds its place until it was idle so long: with its default of 5 s, thousands would queue up.
With 0 it would never take anything out of its queue."""
WATCH_IDLE_SECONDS: float = 70.0
"""Seconds without a line (the API server sends a bookmark every minute) after which kopf opens its watch anew."""
WATCH_SECONDS: Final = 100
"""How long the API server is asked to keep a watch: each new one confirms, also in a quiet cluster, that it goes on."""
MAX_BACKOFF_SECONDS: Final = 10.0
"""Longest pause between attempts at a request: "takes effect within 10 s" has to be true after an outage."""
RESTART_SECONDS: Final = (2.0, 4.0, 8.0, 15.0, 30.0)
"""Pauses between two sessions of kopf that end early; the last for all that follow. Each begins with eight requests."""
STABLE_SECONDS: Final = 60.0
"""A session that lasts so long did not end early."""
STOP_TIMEOUT_SECONDS: Final = 10.0


class Backoffs:
    """Seconds between kopf's attempts at a request: growing, capped, and without an end at which it would give up."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1.0, 2.0, 4.0, 8.0)
        while True:
            yield MAX_BACKOFF_SECONDS


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
    made.queueing.worker_limit = MAX_WORKERS
    made.queueing.idle_timeout = WORKER_IDLE_SECONDS
    made.networking.error_backoffs = Backoffs()
    made.networking.request_timeout = 60.0
    made.networking.connect_timeout = 10.0
    made.watching.server_timeout = WATCH_SECONDS
    made.watching.inactivity_timeout = WATCH_IDLE_SECONDS
    # Between two watches where each is ended by an error inside of it.
    made.watching.reconnect_backoff = 3.0
    made.persistence.diffbase_storage = NoDiffs()
    made.process.ultimate_exiting_timeout = None
    return made


class KopfSource:
    """`run()` keeps a session of kopf running until cancelled."""

    def __init__(self, namespace: str, kubeconfig: str | None, sink: Sink) -> None:
        self._namespace = namespace
        self._kubeconfig = kubeconfig
        self._sink = sink
        self._stop = _Stop()
        self.running = False
        """Between kopf's own startup and cleanup."""
        self.sessions = 0

    async def run(self) -> None:
        short = 0
        while True:
            began = asyncio.get_running_loop().time()
            await self._session()
            self._sink.ended()
            if asyncio.get_running_loop().time() - began > STABLE_SECONDS:
                short = 0
            pause = RESTART_SECONDS[min(short, len(RESTART_SECONDS) - 1)]
            short += 1
            log.warning("event delivery ended; it starts again", pause=pause)
            await asyncio.sleep(pause)

    def restart(self) -> None:
        """End the present session; `run` begins another one, which lists everything anew."""
        self._stop.set()

    async def _session(self) -> None:
        """One life of kopf, in a thread; ends when it gives up, and makes it end when cancelled."""
        ended = asyncio.Event()
        stop = self._stop = _Stop()
        ours = asyncio.get_running_loop()

        def tell(callback: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):  # our loop has closed: there is nobody to tell
                ours.call_soon_threadsafe(callback)

        def live() -> None:
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(self._operate(tell, stop))
            except Exception as error:  # noqa: BLE001  whatever it died of, it is started again
                log.warning("kopf stopped", error=f"{type(error).__name__}: {error}")
            finally:
                tell(ended.set)

        thread = threading.Thread(target=live, name="kopf", daemon=True)
        thread.start()
        self.sessions += 1
        try:
            await ended.wait()
        except asyncio.CancelledError:
            stop.set()
            await asyncio.to_thread(thread.join, STOP_TIMEOUT_SECONDS)
            raise
        finally:
            self.running = False

    async def _operate(self, tell: Tell, stop: _Stop) -> None:
        """One life of kopf on the loop of its thread."""
        login = Login(self._kubeconfig, Requests(self._sink, tell))
        event = stop.event()
        try:
            await kopf.operator(
                registry=self._registry(tell, login),
                settings=settings(),
                namespaces=[self._namespace],
                standalone=True,
                stop_flag=event,
            )
        finally:
            stop.leave()
            await login.close()

    def _registry(self, tell: Tell, login: Login) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.startup(registry=registry)
        async def started(**_: Any) -> None:
            tell(self._began)

        @kopf.on.cleanup(registry=registry)
        async def stopped(**_: Any) -> None:
            tell(self._ended)

        @kopf.on.login(registry=registry)
        async def connect(**_: Any) -> kopf.AiohttpSession:
            return await login()

        @kopf.on.event(GROUP, VERSION, WORKSPACES, registry=registry)
        async def seen(event: Mapping[str, Any], **_: Any) -> None:
            kind, obj = event["type"], event["object"]
            tell(lambda: self._sink.event(kind, obj))

        return registry

    def _began(self) -> None:
        self.running = True

    def _ended(self) -> None:
        self.running = False


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


def quieten() -> None:
    """kopf's own log repeats each attempt of an outage as an error; what matters of it is logged here."""
    for name in ("kopf", "kopf.objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
