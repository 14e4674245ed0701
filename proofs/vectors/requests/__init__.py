"""Requests that are malformed, that two readers could take for different ones, and good ones at the edge of that.

A module has the vectors of one subject; `ALL` are all of them.
"""

from __future__ import annotations

from itertools import chain
from typing import Final

from proofs.vectors.requests import (
    chunking,
    claims,
    codings,
    endings,
    fields,
    hops,
    hosts,
    lengths,
    lines,
    protocols,
    targets,
)
from proofs.vectors.vector import Vector, each

_SUBJECTS: Final = (lines, targets, hosts, lengths, codings, chunking, endings, fields, hops, protocols, claims)
ALL: Final[tuple[Vector, ...]] = tuple(each(chain.from_iterable(subject.vectors() for subject in _SUBJECTS)))
