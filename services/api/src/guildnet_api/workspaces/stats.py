"""What the install was doing in the last day: workspaces by state, and how long starts took. Pure.

The starts are a ring in the memory of one replica, filled as the watch tells of them; a new process begins with the
last start of each workspace there is. Nothing is stored: who wants more has the metrics.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from guildnet.workspace import Workspace
from guildnet_api.workspaces.view import STATUSES, status

KEPT_SECONDS: Final = 24 * 3600
MAX_STARTS: Final = 5000
"""Of all workspaces: an install that starts more in a day has the newest."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start: when the pod was ready (Unix seconds), and the seconds that it took."""

    at: float
    seconds: int
    workspace: Workspace


class Starts:
    """The starts of the last day, each pod once."""

    def __init__(self) -> None:
        self._by_pod: OrderedDict[tuple[str, str], Start] = OrderedDict()

    def observe(self, ws: Workspace) -> None:
        """A workspace as it is now. What it says of a pod that is known already changes nothing."""
        ready = ws.status.condition("Ready")
        seconds, pod = ws.status.startup_seconds, ws.status.pod_name
        if seconds is None or not pod or ready is None or ready.status != "True" or not ready.last_transition_time:
            return
        if (ws.uid, pod) not in self._by_pod:
            at = datetime.fromisoformat(ready.last_transition_time).timestamp()
            self._by_pod[ws.uid, pod] = Start(at, seconds, ws)
        while len(self._by_pod) > MAX_STARTS:
            self._by_pod.popitem(last=False)

    def since(self, moment: float) -> list[Start]:
        """Those that were ready then or later, oldest first."""
        return sorted((start for start in self._by_pod.values() if start.at >= moment), key=lambda start: start.at)


def shown(
    workspaces: Iterable[Workspace], starts: Starts, allowed: Callable[[Workspace], bool] | None, now: float
) -> dict[str, Any]:
    """The answer to a caller who may list what `allowed` says, everything where that is None."""
    counted = Counter(status(ws) for ws in workspaces if allowed is None or allowed(ws))
    told = [one for one in starts.since(now - KEPT_SECONDS) if allowed is None or allowed(one.workspace)]
    return {
        "states": {name: counted[name] for name in STATUSES},
        "starts": [{"t": _time(start.at), "seconds": start.seconds} for start in told],
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
