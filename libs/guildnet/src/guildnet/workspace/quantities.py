"""Kubernetes quantities as numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

_SUFFIXES: Final[Mapping[str, Decimal]] = {
    "Ki": Decimal(1024), "Mi": Decimal(1024) ** 2, "Gi": Decimal(1024) ** 3, "Ti": Decimal(1024) ** 4,
    "Pi": Decimal(1024) ** 5, "Ei": Decimal(1024) ** 6,
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal("1e3"), "M": Decimal("1e6"), "G": Decimal("1e9"), "T": Decimal("1e12"), "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}  # fmt: skip


def quantity(text: str | float) -> Decimal:
    """A Kubernetes quantity as a number. Raises ValueError for text that is none."""
    raw = str(text).strip()
    for suffix in (raw[-2:], raw[-1:]):
        if suffix in _SUFFIXES and len(raw) > len(suffix):
            number, factor = raw[: -len(suffix)], _SUFFIXES[suffix]
            break
    else:
        number, factor = raw, Decimal(1)
    try:
        return Decimal(number) * factor
    except InvalidOperation:
        raise ValueError(f"{raw!r} is not a quantity") from None
