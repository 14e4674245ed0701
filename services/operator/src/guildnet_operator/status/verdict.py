"""What one condition says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from guildnet_operator.status.reasons import Reason

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one condition says, before it is given its type, generation and time."""

    status: Status
    reason: Reason
    message: str
