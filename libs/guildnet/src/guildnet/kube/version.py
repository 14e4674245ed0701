"""Resource versions as numbers, by which versions of one kind of object are ordered.

The API server documents that they may be compared so from Kubernetes 1.35 on (KEP-5504); before that they were the
revision of etcd, a number that only grows, as well. A version that is no decimal number is never compared.
"""

from __future__ import annotations


def number(version: str | None) -> int | None:
    """The version as a number, None where it is none."""
    return int(version) if version is not None and version.isascii() and version.isdecimal() else None


def is_older(version: str | None, held: str | None) -> bool:
    """Is this version below the one held? False where either has no number."""
    one, other = number(version), number(held)
    return one is not None and other is not None and one < other
