"""Warnings of the kubelet and the volume controllers about pods, of which a pod's status has nothing. Pure.

Only what goes on counts. A container that takes some seconds to start fails its first probes, and a volume that was
just made fails its first mount: that is starting, and telling it would send people looking for a fault that is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

FIELD_SELECTOR: Final = "type=Warning,involvedObject.kind=Pod"
MIN_PROBE_FAILURES: Final = 8
"""Failures of one probe after which they are told; the startup probe is asked every second."""
MIN_FAILURES: Final = 3
"""Failures to mount a volume or to make the pod's sandbox after which they are told; the kubelet's pauses grow."""
_ENDPOINT: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}:\d+->")
_MAX_MESSAGE_CHARS: Final = 400


class About(Enum):
    """What a warning is about; OTHER is what the pod's own status says better."""

    PROBE = auto()
    LIVENESS = auto()
    """Fails beside the readiness probe, and the two would take turns; kept to know who ended a container."""
    VOLUME = auto()
    SANDBOX = auto()
    OTHER = auto()


_ABOUT: Final[Mapping[str, About]] = {
    "FailedMount": About.VOLUME,
    "FailedAttachVolume": About.VOLUME,
    "FailedMapVolume": About.VOLUME,
    "FailedCreatePodSandBox": About.SANDBOX,
}
_LEAST: Final[Mapping[About, int]] = {
    About.PROBE: MIN_PROBE_FAILURES,
    About.LIVENESS: 1,
    About.VOLUME: MIN_FAILURES,
    About.SANDBOX: MIN_FAILURES,
}


@dataclass(frozen=True, slots=True)
class PodWarning:
    """One Event about one pod; `last` is when it was said last, RFC 3339."""

    pod: str
    pod_uid: str
    about: About
    count: int
    message: str
    last: str = ""
    at_once: bool = False
    """Said seldom, and true the first time: a volume that another node still has."""

    @property
    def persists(self) -> bool:
        """Whether it is worth telling."""
        least = _LEAST.get(self.about)
        return least is not None and (self.at_once or self.count >= least)


def parse(obj: Mapping[str, Any]) -> PodWarning:
    about, series = obj.get("involvedObject") or {}, obj.get("series") or {}
    message, reason = obj.get("message") or "", obj.get("reason") or ""
    return PodWarning(
        pod=about.get("name", ""),
        pod_uid=about.get("uid", ""),
        about=_probe(message) if reason == "Unhealthy" else _ABOUT.get(reason, About.OTHER),
        count=int(series.get("count") or obj.get("count") or 1),
        # The kubelet's own port is another one each time, and would make each failure a new message.
        message=_ENDPOINT.sub("", message).strip()[:_MAX_MESSAGE_CHARS],
        last=series.get("lastObservedTime") or obj.get("lastTimestamp") or obj.get("eventTime") or "",
        at_once=reason == "FailedAttachVolume",
    )


def _probe(message: str) -> About:
    return About.LIVENESS if message.startswith("Liveness") else About.PROBE
