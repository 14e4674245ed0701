"""The place a reader has read up to, what it asked for, and which run of a container it reads next. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from guildnet_api.cluster.pods import Pod
from guildnet_api.logs.filtered import EVERYTHING, Filter
from guildnet_api.logs.model import Run, id_key
from guildnet_api.logs.source.run_state import run_of

_RESTART: Final = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a client asks of `/sse/logs`. `resume` is the last id it saw, "" at its first visit."""

    target: str
    filter: Filter = EVERYTHING
    tail: int = 200
    container: str | None = None
    follow: bool = True
    previous: bool = False
    events: bool = False
    resume: str = ""

    @property
    def ends(self) -> bool:
        """Whether the stream ends with the lines there are now."""
        return self.previous or not self.follow


@dataclass(frozen=True, slots=True)
class Cursor:
    """A client's id taken apart: the prefix of its run, and the id of the line in it."""

    prefix: str
    id: str

    @property
    def time_ns(self) -> int:
        return id_key(self.id)[0]

    @property
    def run(self) -> tuple[str, int, str] | None:
        """Pod, restart and container, as `Run.prefix` says them; None where it says something else."""
        match self.prefix.split("."):
            case [pod, restart, container, ""] if _RESTART.fullmatch(restart):
                return pod, int(restart), container
        return None

    def restart_of(self, run: Run) -> int | None:
        """The restart it is in of this container of this pod; None for another pod or container."""
        match self.run:
            case (pod, restart, container) if (pod, container) == (run.pod_uid[:8], run.container):
                return restart
        return None

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """The cursor of a client's id, or None for what is not one of ours."""
        prefix, _, id_ = text.rpartition(".")
        try:
            id_key(id_)
        except ValueError:
            return None
        return cls(f"{prefix}.", id_) if prefix else None


def asked_run(pod: Pod | None, request: StreamRequest) -> Run | None:
    """The run that the request is about now, or None while there is nothing to read."""
    found = pod.container(request.container) if pod else None
    if pod is None or found is None:
        return None
    return run_of(pod, found, previous=request.previous)


@dataclass(frozen=True, slots=True)
class Step:
    """The run to read next, None for none yet; `lost` when lines of runs before it cannot be read any more."""

    run: Run | None
    lost: bool = False


def next_step(current: Run | None, done: Run | None, at: Cursor | None) -> Step:
    """After `done` was read to its end, or from `at` where nothing was: the rest of the run before is read first.

    The kubelet keeps one run besides the current one. Lines of runs before that are lost to whoever did not read them.
    """
    if current is None:
        return Step(None)
    if done is None and at is None:
        return Step(current)
    last = at.restart_of(current) if done is None and at else _restart_of(done, current)
    if last is None:
        return Step(current, lost=done is None)
    behind = current.restart - last
    if behind <= 0:
        return Step(None if done is not None and behind == 0 else current)
    if behind == 1 and done is not None:
        return Step(current)
    return Step(replace(current, restart=current.restart - 1), lost=behind > (1 if done is None else 2))


def _restart_of(done: Run | None, current: Run) -> int | None:
    if done is None or (done.pod_uid, done.container) != (current.pod_uid, current.container):
        return None
    return done.restart
