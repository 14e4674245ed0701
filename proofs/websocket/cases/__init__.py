"""The list of cases, a module for a subject or two."""

from __future__ import annotations

from itertools import chain

from proofs.websocket.case import Case
from proofs.websocket.cases import closing, compressed, fragmented, framing, limits, reserved, utf8

_SUBJECTS = (framing, reserved, fragmented, utf8, closing, limits, compressed)


def every() -> tuple[Case, ...]:
    """All of them; made anew, since the large ones take memory."""
    return tuple(chain.from_iterable(subject.cases() for subject in _SUBJECTS))
