"""What a client asked for, the place it has read up to, and which run of a container it reads next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from guildnet_api.cluster.pods import Pod
from guildnet_api.logs.filtered import EVERYTHING, Look
from guildnet_api.logs.model import id_key
from guildnet_api.logs.records import Run


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client asked for. `resume` is the last id it saw, "" at its first visit."""

    target: str
    look: Look = EVERYTHING
    tail: int = 200
    container: str | None = None
    follow: bool = True
    previous: bool = False
    events: bool = False
    resume: str = ""

    @property
    def ends(self) -> bool:
        """Whether the stream ends with what there is now."""
        return self.previous or not self.follow


@dataclass(frozen=True, slots=True)
class Place:
    """An id of ours taken apart: the run it belongs to and the place in it."""

    prefix: str
    identifier: str

    @property
    def time_ns(self) -> int:
        return id_key(self.identifier)[0]

    @property
    def run(self) -> tuple[str, int, str] | None:
        """Pod, restart and container, as `Run.prefix` says them; None where it says something else."""
        match self.prefix.split("."):
            case [pod, restart, container, ""] if restart.isdecimal():
                return pod, int(restart), container
        return None

    def restart_of(self, run: Run) -> int | None:
        """Which run of this container in this pod it is a place in; None for another pod or container."""
        match self.run:
            case (pod, restart, container) if (pod, container) == (run.pod_uid[:8], run.container):
                return restart
        return None


def place(text: str) -> Place | None:
    """The place an id names, or None for what is not one of ours."""
    prefix, _, identifier = text.rpartition(".")
    try:
        id_key(identifier)
    except ValueError:
        return None
    return Place(f"{prefix}.", identifier) if prefix else None


def run_of(pod: Pod | None, wish: Wish) -> Run | None:
    """The run that the wish is about now, or None while there is nothing to read."""
    found = pod.container(wish.container) if pod else None
    if pod is None or found is None:
        return None
    if wish.previous:
        # Of one that waits to be started again, the run before is the one it counts already: it has ended.
        ended = found.restart - (found.state != "waiting")
        return Run(pod.uid, pod.name, found.name, ended) if found.restart else None
    return Run(pod.uid, pod.name, found.name, found.restart) if found.has_log else None


@dataclass(frozen=True, slots=True)
class Step:
    """The run to read next, None for none yet; `lost` when lines of runs before it cannot be read any more."""

    run: Run | None
    lost: bool = False


def next_step(current: Run | None, done: Run | None, at: Place | None) -> Step:
    """After `done` was read to its end, or from `at` where nothing was: the rest of the run before is read first.

    The kubelet keeps one run besides the current one. What was in runs before that is lost to whoever did not read it.
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
