"""How a table of transitions is asked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar

S = TypeVar("S", bound=IntEnum)
E = TypeVar("E", bound=IntEnum)


class UnexpectedEventError(RuntimeError):
    """An event that cannot happen in the state: a bug of the engine."""


def next_state(transitions: Mapping[tuple[S, E], S], state: S, event: E) -> S:
    """The state after `event`; raises UnexpectedEventError when the table has no such row."""
    try:
        return transitions[state, event]
    except KeyError:
        raise UnexpectedEventError(f"{event.name} in {state.name}") from None
