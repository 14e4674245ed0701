"""Words of W3C Trace Context and of spans that both sides of the package use. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""Trace, span and flags, in lower-case hex digits."""

Attributes = Mapping[str, str | int | float | bool]
Kind = Literal["server", "internal"]
