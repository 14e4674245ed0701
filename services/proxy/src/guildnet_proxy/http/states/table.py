"""What a table of transitions is made of, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Generic, TypeVar

S = TypeVar("S", bound=IntEnum)
E = TypeVar("E", bound=IntEnum)

EVENT_BITS: Final = 4
"""Of a row's number; those above are the state's."""


class UnexpectedEventError(RuntimeError):
    """An event that cannot happen in the state: a bug of the engine."""


class Table(Generic[S, E]):
    """The state after an event: `rows` is the table as people read it, `after` the same in numbers, by `row`.

    It is asked in numbers, several times a request: two members of an Enum in a tuple cost five times as much to look
    up, and a dictionary of a class of its own twice as much as a plain one. Who asks for a row that there is not raises
    `unexpected`.
    """

    def __init__(self, states: type[S], events: type[E], rows: Mapping[tuple[S, E], S]) -> None:
        self.states = states
        self.events = events
        self.rows = rows
        self.after = {row(state, event): int(after) for (state, event), after in rows.items()}

    def read(self, number: int) -> tuple[S, E]:
        """The state and the event of a row."""
        return self.states(number >> EVENT_BITS), self.events(number & (1 << EVENT_BITS) - 1)

    def unexpected(self, number: int) -> UnexpectedEventError:
        """What to raise for a row that there is not."""
        state, event = self.read(number)
        return UnexpectedEventError(f"{event.name} in {state.name}")


def row(state: int, event: int) -> int:
    """The number of a row."""
    return state << EVENT_BITS | event
