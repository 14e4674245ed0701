"""Live logs: what a workspace writes reaches every viewer at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.local import Local, until, workspace

CLOCK = "import sys,time\nfor n in range(100000):\n  print(f'tick {n} {time.time()}', flush=True); time.sleep(0.2)"


@dataclass
class Viewer:
    """One reader of `/sse/logs`: the lines and when each arrived (seconds since the epoch)."""

    lines: list[tuple[str, float]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@contextmanager
def viewing(local: Local, target: str, tail: int = 0) -> Iterator[Viewer]:
    viewer, leave = Viewer(), threading.Event()

    def read() -> None:
        query = {"target": target, "tail": str(tail)}
        with local.api() as api, api.stream("GET", "/sse/logs", params=query, timeout=30) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line.startswith("id:"):
                    viewer.ids.append(line[3:].strip())
                if line.startswith("data:") and "tick" in line:
                    viewer.lines.append((json.loads(line[5:])["msg"], time.time()))
                if leave.is_set():
                    return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield viewer
    finally:
        leave.set()
        thread.join(timeout=10)


def test_new_lines_reach_two_viewers_within_a_second(local: Local, fresh: Callable[[str], str]):
    name = fresh("clock")
    local.apply(workspace(name, "guildnet/jupyterlab:0.1.0", command=["python3", "-c", CLOCK], probe={"type": "none"}))
    local.wait_ready(name)
    with viewing(local, name) as first, viewing(local, name) as second:
        for viewer in (first, second):
            until(lambda viewer=viewer: len(viewer.lines) >= 20, "twenty lines")
    for viewer in (first, second):
        live = viewer.lines[5:]
        delays = [arrived - float(text.split()[2]) for text, arrived in live]
        assert max(delays) < 1, f"the slowest of {len(delays)} lines took {max(delays):.2f} s"
        numbers = [int(text.split()[1]) for text, _ in viewer.lines]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no line is lost, none comes twice"
        assert len(set(viewer.ids)) == len(viewer.ids)
