"""What a client's connection answers by itself, and what becomes of the transport after an answer.

The state is changed here alone, by the table of `states/connection.py` (`_on`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic

from guildnet_proxy.http.exchange import Exchange
from guildnet_proxy.http.forward import Answer, Listener, R
from guildnet_proxy.http.incoming import Incoming
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.owner import Owner
from guildnet_proxy.http.states.connection import TRANSITIONS, Event, State
from guildnet_proxy.http.states.table import EVENT_BITS

AFTER = TRANSITIONS.after
_KEPT: Final = int(Event.KEPT)
_ENDED: Final = int(Event.ENDED)


class Answering(Generic[R]):
    """A connection as far as its state and its ends go; see ClientConnection.

    An asyncio.Protocol in all but name: compiled, what inherits from a class of Python's is as slow as one.
    """

    __slots__ = (
        "_exchange", "_handler", "_head", "_limits", "_loop", "_record", "_since", "_state", "_task", "address",
        "full_since", "incoming", "last_request", "listener", "server", "transport", "write",
    )  # fmt: skip

    def __init__(self, server: Owner[R], listener: Listener) -> None:
        self.server = server
        self._loop = server.loop
        self._limits = server.limits
        self._handler = server.handler
        self.listener = listener
        self.transport: asyncio.Transport
        self.incoming: Incoming
        self.write: Callable[[bytes], None]
        self.address = ""
        self.full_since = 0.0
        self.last_request = False
        self._state = int(State.HEAD)
        self._since = 0.0
        self._head: RequestHead | None = None
        self._record: R | None = None
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None

    def _answer(self, answer: Answer) -> None:
        """Writes an answer of ours; a body that nobody will read, or a broken request, ends the connection."""
        head, record = self._head, self._record
        trusted = head is not None and not head.has_body and not answer.close
        keep = trusted and head is not None and head.keep_alive and self.stays()
        now = self._loop.time()
        only_head = head is not None and head.method == b"HEAD"
        self.write(answer.encode(head_only=only_head, keep_alive=keep))
        if record is not None:
            record.sent = 0 if only_head else len(answer.body)
            self._finish_record(answer.status, now)
        self._after_answer(_KEPT if keep else int(Event.ENDED if trusted else Event.UNREAD), now)

    def _after_answer(self, event: int, now: float) -> None:
        """The last byte of an answer is written: what now happens to the transport."""
        self._head = None
        self._on(event)
        self._since = now
        if event == _KEPT:
            self.incoming.resume()
        elif event == _ENDED:
            self.transport.close()
        else:
            self.incoming.resume()
            if self.transport.can_write_eof() and not self.transport.is_closing():
                self.transport.write_eof()

    def cut(self) -> None:
        """The answer broke off: the client has to see that it is not whole. Or a deadline or a bound is over."""
        self._exchange = None
        self._on(Event.ABORTED)
        self.transport.abort()

    def stays(self) -> bool:
        return not (self.last_request or self.server.draining)

    def _on(self, event: int) -> None:
        row = self._state << EVENT_BITS | event
        try:
            self._state = AFTER[row]
        except KeyError:
            raise TRANSITIONS.unexpected(row) from None

    def _finish_record(self, status: int, now: float) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.status = status
            self.server.finished(record, now)

    def _abandon(self) -> None:
        """Nobody waits any more for what was begun."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abandon()

    def _fault(self, error: Exception) -> None:
        """Something failed here: one line in the log and one closed connection."""
        self._loop.call_exception_handler({"message": "a client's connection failed", "exception": error})
        exchange = self._exchange
        if exchange is not None:
            exchange.let_go()
        if self._record is not None and self._record.status == 0:
            self._record.status = 500
        self.cut()
