"""What a table of transitions is made of, and how it is asked."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NoReturn, TypeVar


class Name(IntEnum):
    """A state or an event. It is hashed as the number it is: an Enum's own hash costs a call in Python each time."""

    __hash__ = int.__hash__


S = TypeVar("S", bound=Name)
E = TypeVar("E", bound=Name)


class UnexpectedEventError(RuntimeError):
    """An event that cannot happen in the state: a bug of the engine."""


class Table(dict[tuple[S, E], S]):
    """The state after an event; asked for a row that it does not have, it raises UnexpectedEventError."""

    def __missing__(self, row: tuple[Any, Any]) -> NoReturn:
        state, event = row
        raise UnexpectedEventError(f"{event.name} in {state.name}")
