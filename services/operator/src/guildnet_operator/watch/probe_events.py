"""Events of the kubelet about probes that fail, of which a pod's status has nothing.

Only failures that go on count. A container that takes some seconds to start fails its first probes: that is starting,
and telling it would send people to a log in which there is nothing to find, and cost every start a write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

FIELD_SELECTOR: Final = "reason=Unhealthy,involvedObject.kind=Pod"
MIN_PROBE_FAILURES: Final = 8
"""Failures of one probe after which they are told; the startup probe is asked every second."""
_ENDPOINT: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}:\d+->")
_MAX_MESSAGE_CHARS: Final = 400


@dataclass(frozen=True, slots=True)
class ProbeFailure:
    """One Event of the kubelet about one pod."""

    pod: str
    pod_uid: str
    count: int
    message: str

    @property
    def persists(self) -> bool:
        """Whether it is worth telling. Liveness fails beside readiness, and the two would take turns in the message."""
        return self.count >= MIN_PROBE_FAILURES and not self.message.startswith("Liveness")


def parse(obj: Mapping[str, Any]) -> ProbeFailure:
    about, series = obj.get("involvedObject") or {}, obj.get("series") or {}
    return ProbeFailure(
        pod=about.get("name", ""),
        pod_uid=about.get("uid", ""),
        count=int(series.get("count") or obj.get("count") or 1),
        # The kubelet's own port is another one each time, and would make each failure a new message.
        message=_ENDPOINT.sub("", obj.get("message") or "").strip()[:_MAX_MESSAGE_CHARS],
    )
