"""Reconciles go on with the trace of the change they are for, until the Workspace is as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from guildnet.workspace import Condition, Phase, Workspace, WorkspaceSpec, WorkspaceStatus, replace
from guildnet_operator.reconcile_spans import ReconcileSpans
from guildnet_operator.workqueue import RETRY, Next

CHANGE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
READY = WorkspaceStatus(observed_generation=2, phase=Phase.RUNNING, conditions=(Condition("Ready", "True"),))
TRACED = Workspace(
    "w", "n", "u", WorkspaceSpec("i"), READY, generation=2, annotations={"guildnet.io/traceparent": CHANGE}
)


@dataclass
class PlayedSpan:
    parent: str
    traceparent: str = ""
    ended: list[tuple[str, Mapping[str, object], bool]] = field(default_factory=list)

    def end(
        self, name: str, attributes: Mapping[str, object], *, failed: bool = False, end_ns: int | None = None
    ) -> None:
        self.ended.append((name, attributes, failed))


class PlayedTracer:
    def __init__(self) -> None:
        self.spans: list[PlayedSpan] = []

    def begin(self, traceparent: str = "", *, kind: str = "internal", start_ns: int | None = None) -> PlayedSpan:
        self.spans.append(PlayedSpan(traceparent))
        return self.spans[-1]


async def spans_of(workspace: Workspace | None, then: Next | Exception = RETRY) -> list[PlayedSpan]:
    tracer = PlayedTracer()

    async def work(_: str) -> Next:
        if isinstance(then, Exception):
            raise then
        return then

    assert await ReconcileSpans(work, lambda _: workspace, tracer)("w") is then
    return tracer.spans


@pytest.mark.parametrize(
    "status",
    [
        WorkspaceStatus(),
        replace(READY, observed_generation=1),
        replace(READY, phase=Phase.PENDING, conditions=(Condition("Ready", "False"),)),
    ],
    ids=["just made", "another generation", "on its way"],
)
async def test_a_change_under_way_is_gone_on_with(status: WorkspaceStatus) -> None:
    (span,) = await spans_of(replace(TRACED, status=status))
    assert span.parent == CHANGE
    attributes = {"guildnet.workspace": "w", "guildnet.generation": 2, "guildnet.result": "retry"}
    assert span.ended == [("reconcile", attributes, False)]


@pytest.mark.parametrize(
    "workspace",
    [
        TRACED,
        replace(TRACED, status=replace(READY, phase=Phase.STOPPED, conditions=())),
        replace(TRACED, status=WorkspaceStatus(), annotations={}),
        replace(TRACED, status=WorkspaceStatus(), annotations={"guildnet.io/traceparent": "x"}),
        None,
    ],
    ids=["ready", "stopped", "no trace", "not a trace", "gone"],
)
async def test_what_nobody_asked_for_has_no_span(workspace: Workspace | None) -> None:
    assert await spans_of(workspace) == []


async def test_a_pass_that_breaks_down_is_told_as_failed() -> None:
    tracer = PlayedTracer()

    async def work(_: str) -> Next:
        raise LookupError

    with pytest.raises(LookupError):
        await ReconcileSpans(work, lambda _: replace(TRACED, status=WorkspaceStatus()), tracer)("w")
    assert tracer.spans[0].ended[0][2]
