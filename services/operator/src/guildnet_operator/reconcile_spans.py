"""Spans of the reconciles that a change through the api leads to, in the trace of that change. Only there while traces
are on.

They end with the Workspace's being as it was asked for: what happens to it later is nobody's request any more.
"""

from __future__ import annotations

from collections.abc import Callable

from guildnet.names import ANNOTATION_TRACEPARENT
from guildnet.tracing import Attributes, Tracer, accepts
from guildnet.workspace import Phase, Workspace
from guildnet_operator.workqueue import Next, Work


class ReconcileSpans:
    """A reconcile (`work`) with a span around it, where there is a trace to go on with."""

    def __init__(self, work: Work, get: Callable[[str], Workspace | None], tracer: Tracer) -> None:
        self._work = work
        self._get = get
        self._tracer = tracer

    async def __call__(self, key: str) -> Next:
        before = self._get(key)
        traceparent = before.annotations.get(ANNOTATION_TRACEPARENT, "") if before else ""
        if before is None or not accepts(traceparent) or as_asked(before):
            return await self._work(key)
        span = self._tracer.begin(traceparent)
        then: Next | None = None
        attributes: Attributes = {"guildnet.workspace": key, "guildnet.generation": before.generation}
        try:
            then = await self._work(key)
            return then
        finally:
            result = "failed" if then is None else "retry" if then.retry else "settled"
            span.end("reconcile", {**attributes, "guildnet.result": result}, failed=then is None)


def as_asked(workspace: Workspace) -> bool:
    """Whether its status tells of this generation, and neither of a start nor of a stop under way."""
    status = workspace.status
    ready = status.condition("Ready")
    settled = status.phase in (Phase.STOPPED, Phase.FAILED) or (ready is not None and ready.status == "True")
    return status.observed_generation == workspace.generation and settled
