"""What is around a client's connection, played: transports, the clock, tasks, the handler, the way to an upstream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import SimpleNamespace
from typing import Any

from guildnet_proxy.http.connection import ClientConnection
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer, Forward, Listener, Outcome, Place
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import Heads, RequestHead
from guildnet_proxy.http.message.response import DROP, KEEP, ResponseHead, response_names
from guildnet_proxy.http.states.table import Table
from guildnet_proxy.http.upstream import Pool, UpstreamConnection

PLACE = Place("10.0.0.1", 8080)


class Transport:
    """A transport that keeps what it is told."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False
        self.aborted = False
        self.ended = False
        self.paused = False
        self.unsent = 0
        self.socket: Any = None
        self.limits: list[int | None] = []

    def set_write_buffer_limits(self, high: int | None = None) -> None:
        self.limits.append(high)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str) -> Any:
        return self.socket if name == "socket" else None


class Side(Transport):
    """One end of a relay: its transport, which keeps its protocol, and as uvloop's lets it go when it is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None
        self.full_since = 0.0

    @property
    def transport(self) -> Side:
        return self

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def lose(self) -> None:
        self.protocol.connection_lost(None)
        self.protocol = None


class Task:
    """A coroutine that goes on only when it is told to."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._coroutine = coroutine
        self.over = False

    def run(self) -> None:
        """To its end: nothing it waits for may take time."""
        self.over = True
        try:
            self._coroutine.send(None)
        except StopIteration:
            return
        self.over = False  # it waits for something that never comes

    def cancel(self) -> bool:
        self.over = True
        self._coroutine.close()
        return True


class Watch:
    """A loop's list of descriptors that are watched."""

    def __init__(self) -> None:
        self.readers: dict[int, Callable[[], None]] = {}
        self.writers: dict[int, Callable[[], None]] = {}

    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None:
        self.readers[descriptor] = callback

    def remove_reader(self, descriptor: int) -> None:
        del self.readers[descriptor]

    def add_writer(self, descriptor: int, callback: Callable[[], None]) -> None:
        self.writers[descriptor] = callback

    def remove_writer(self, descriptor: int) -> None:
        del self.writers[descriptor]

    def turn(self) -> None:
        """Each is ready."""
        for callback in [*self.readers.values(), *self.writers.values()]:
            callback()


class Clock(Watch):
    """A loop, as far as a connection asks one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.tasks: list[Task] = []
        self.soon: list[Callable[[], None]] = []
        self.logged: list[dict[str, Any]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.logged.append(context)

    def time(self) -> float:
        return self.now

    def create_task(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        task = Task(coroutine)
        self.tasks.append(task)
        return task

    def waiting(self) -> list[Task]:
        """Tasks that have not run."""
        self.tasks = [task for task in self.tasks if not task.over]
        return self.tasks


class Upstreams:
    """A pool whose new connections are played; opening one does as `refuses`, `hangs` and `fills` say."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self.pool = Pool(clock, limits, self._open)  # type: ignore[arg-type]
        self._clock = clock
        self.refuses: Exception | None = None
        self.hangs = False
        self.fills = False
        self.made: list[UpstreamConnection] = []

    async def _open(self, pool: Pool, place: Place) -> UpstreamConnection:
        if self.refuses is not None:
            raise self.refuses
        if self.hangs:
            await Never()
        connection = UpstreamConnection(pool, place)
        transport = Transport()
        connection.connection_made(transport)  # type: ignore[arg-type]
        if self.fills:
            transport.write = lambda _: connection.pause_writing()  # type: ignore[method-assign, assignment]
        self.made.append(connection)
        return connection

    def idle(self) -> UpstreamConnection:
        """A connection that lies in the pool."""
        connection = UpstreamConnection(self.pool, PLACE)
        connection.connection_made(Transport())  # type: ignore[arg-type]
        self.pool.put(connection, self._clock.now)
        self.made.append(connection)
        return connection


class Later:
    """A decision that takes a moment: until tasks go on."""

    def __init__(self, outcome: Outcome | Callable[[], Outcome]) -> None:
        self._outcome = outcome

    def __await__(self) -> Generator[Any, Any, Outcome]:
        yield from ()
        return self._outcome() if callable(self._outcome) else self._outcome


class Never:
    """What is waited for and does not come."""

    def __await__(self) -> Generator[Any, Any, Any]:
        yield


class Rewriter:
    """Passes an answer's status line on, and of its fields those called X-Kept."""

    names = response_names({b"x-kept": KEEP}, {b"": DROP})

    def lines(self, head: ResponseHead, note: bytes) -> list[bytes]:
        return [b"\r\n".join([head.line, *head.lines, note])]


class Handler:
    """Decides as it was told; forwards unless told otherwise. A refusal says all it knows."""

    def __init__(self) -> None:
        self.decision: Answer | Forward | Awaitable[Any] = Forward((PLACE,), b"GET / HTTP/1.1\r\n\r\n", Rewriter())

    def record(self, now: float) -> Any:
        return SimpleNamespace(started=now, status=0, sent=0, received=0)

    def handle(self, _head: RequestHead, _listener: Listener, _address: str, _record: Any) -> Any:
        return self.decision

    def refused(self, error: Refusal, _record: Any, _head: RequestHead | None = None) -> Answer:
        return Answer(error.status, f"{error.code} {error.rule}: {error.message}".encode(), close=error.close)

    def release(self, record: Any) -> None: ...


class Played:
    """A connection with everything around it; `finished` and `relayed` are what the server was told."""

    def __init__(self, limits: Limits | None = None, handler: Handler | None = None) -> None:
        self.limits = limits or Limits()
        self.clock = Clock()
        self.handler = handler or Handler()
        self.transport = Transport()
        self.upstreams = Upstreams(self.clock, self.limits)
        self.finished: list[Any] = []
        self.relayed: list[tuple[Any, Any]] = []
        self.admits = self.relays = True
        owner: Any = SimpleNamespace(
            loop=self.clock, limits=self.limits, heads=Heads(self.limits), pool=self.upstreams.pool, clients=set(),
            handler=self.handler, draining=False,
            finished=lambda record, _: self.finished.append(record), relay=self._relay,
            admit=lambda _: self.admits, left=lambda _: None,
            later=self.clock.call_soon,
        )  # fmt: skip
        self.client: ClientConnection[Any] = ClientConnection(owner, Listener("tcp", private=False))
        self.client.connection_made(self.transport)  # type: ignore[arg-type]

    @property
    def back(self) -> UpstreamConnection:
        """The last connection to the upstream."""
        return self.upstreams.made[-1]

    def asks(self, *fields: str, method: str = "GET", body: bytes = b"") -> None:
        lines = [f"{method} / HTTP/1.1", "Host: a", *fields, "", ""]
        self.client.data_received("\r\n".join(lines).encode() + body)

    def _relay(self, client: Any, upstream: Any, _record: Any, _address: str, *, tunnel: bool) -> Any:
        assert self.relays, "as if it failed"
        self.relayed.append((client, upstream))

        def begin(down: bytes, up: bytes) -> None:
            client.transport.resume_reading()
            client.transport.write(down)
            if up:
                upstream.transport.write(up)

        return SimpleNamespace(begin=begin)

    def goes_on(self) -> None:
        """What is to be called in the next turn."""
        soon, self.clock.soon = self.clock.soon, []
        for callback in soon:
            callback()

    def connects(self) -> None:
        """What was begun goes on: a decision, or a new connection."""
        for task in list(self.clock.waiting()):
            task.run()

    def answers(self, data: bytes) -> None:
        self.back.data_received(data)

    def waits(self, seconds: float) -> None:
        self.clock.now += seconds
        self.client.sweep(self.clock.now)


class Watched(dict[int, int]):
    """The rows of a table in numbers; tells `seen` of every event before it says the state after it."""

    def __init__(self, table: Table[Any, Any], seen: list[Any]) -> None:
        super().__init__(table.after)
        self._table = table
        self._seen = seen

    def __getitem__(self, number: int) -> int:
        self._seen.append(self._table.read(number))
        return super().__getitem__(number)
