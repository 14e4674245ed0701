"""One small module for each promise that `make show-<word>` proves.

A module `some_word` answers `show-some-word`: its `prove()` does the work, printing progress as it likes, and returns a
`Figure`. The figure is the last line printed; a missed one makes the exit status 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in one line, and whether it is within its bound."""

    text: str
    met: bool
