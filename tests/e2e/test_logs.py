"""Live logs: what a workspace writes reaches every viewer at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from support.local import NAMESPACE, Local, workspace
from support.waiting import until

# Five lines a second. Process 1 has no default for SIGTERM: without a handler its pod lasts its grace period of 30 s.
CLOCK = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
for n in range(100000):
    print(f"tick {n} {time.time()}", flush=True)
    time.sleep(0.2)
"""


@dataclass
class Viewer:
    """One reader of `/sse/logs`: when it was answered, the lines and when each arrived (seconds since the epoch)."""

    opened: float = 0.0
    lines: list[tuple[str, float]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@contextmanager
def viewing(local: Local, target: str, tail: int = 0) -> Iterator[Viewer]:
    viewer, leave = Viewer(), threading.Event()

    def read() -> None:
        query = {"target": target, "tail": str(tail)}
        with local.api() as api, api.stream("GET", "/sse/logs", params=query, timeout=30) as answer:
            assert answer.status_code == 200
            viewer.opened = time.time()
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
        # What was written while the stream was being opened counts from then on.
        delays = [arrived - max(float(text.split()[2]), viewer.opened) for text, arrived in viewer.lines]
        assert max(delays) < 1, f"the slowest of {len(delays)} lines took {max(delays):.2f} s"
        numbers = [int(text.split()[1]) for text, _ in viewer.lines]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no line is lost, none comes twice"
        assert len(set(viewer.ids)) == len(viewer.ids)


def test_the_last_words_of_a_container_that_crashed_are_there_until_it_is_started_again(
    local: Local, fresh: Callable[[str], str]
):
    name = fresh("crasher")
    words = "import sys\nprint('ERROR last words', flush=True)\nsys.exit(3)"
    local.apply(workspace(name, "guildnet/jupyterlab:0.1.0", command=["python3", "-c", words], probe={"type": "none"}))

    def ended() -> dict[str, Any]:
        """How the second restart ended. The third is 20 seconds later.

        Meanwhile a kubelet tells of a terminated container or, where it looked at the pod once more, of a waiting one.
        """
        pods = json.loads(
            local.kubectl("-n", NAMESPACE, "get", "pods", "-l", f"guildnet.io/workspace={name}", "-o", "json")
        )
        found: dict[str, Any] = next((c for p in pods["items"] for c in p["status"].get("containerStatuses", [])), {})
        if found.get("restartCount") != 2 or "running" in found["state"]:
            return {}
        terminated: dict[str, Any] = found["state"].get("terminated") or found["lastState"]["terminated"]
        return terminated

    began = until(ended, "the end of the second restart", seconds=90)["startedAt"]

    def told() -> list[list[str]]:
        """The stream's events, once the api knows of the second restart, too: of the run before no log is kept."""
        with local.api() as api:
            answer = api.get("/sse/logs", params={"target": name, "previous": "1"}, timeout=30)
        events = [block.split("\n") for block in answer.text.split("\n\n")]
        return events if any('"restart":2' in line.replace(" ", "") for event in events for line in event) else []

    events = until(told, "the run that ended last", seconds=10)
    lines = [json.loads(e[1][6:]) for e in events if e[0].startswith("id: ")]
    sources = [json.loads(e[1][6:]) for e in events if e[0] == "event: source"]
    assert [line["msg"] for line in lines] == ["ERROR last words"]
    assert lines[0]["t"] >= began[:-1]
    assert [source["restart"] for source in sources] == [2]
    assert events[-2] == ["event: end", "data: {}"]


HELPER, SIDECAR = "helper", "sidecar"
TALKS = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\nn = 0\nwhile True:\n"


def _says(who: str) -> list[str]:
    return ["python3", "-c", f"{TALKS}    print('{who}', n, flush=True)\n    n += 1\n    time.sleep(0.3)"]


def test_every_container_of_a_pod_is_in_one_stream_by_name(local: Local, fresh: Callable[[str], str]):
    """The product makes pods of one container. An injecting webhook makes more of one: this pod is what it would leave
    of the Deployment's template, with a native sidecar and a second container."""
    name = fresh("injected")
    local.apply(
        workspace(name, "guildnet/jupyterlab:0.1.0", command=_says("main"), running=False, probe={"type": "none"})
    )
    template = until(lambda: _template(local, name), "the Deployment")
    (main,) = template["spec"]["containers"]
    for more in ("startupProbe", "readinessProbe", "livenessProbe"):
        main.pop(more, None)
    helper = {**main, "name": HELPER, "command": _says(HELPER), "ports": []}
    sidecar = {**main, "name": SIDECAR, "command": _says(SIDECAR), "ports": [], "restartPolicy": "Always"}
    spec = {**template["spec"], "containers": [main, helper], "initContainers": [sidecar]}
    meta = {"name": f"{name}-by-hand", "namespace": NAMESPACE, "labels": template["metadata"]["labels"]}
    try:
        local.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        with local.api() as api:
            by_container = until(lambda: _all_three(api, name), "lines of all three", seconds=90)
            listed = api.get(f"/api/servers/{name}/logs", params={"container": "*", "limit": "5000"}).json()
            text = api.get(f"/api/servers/{name}/logs", params={"container": "*", "format": "text"}).text
    finally:
        local.kubectl("-n", NAMESPACE, "delete", "pod", meta["name"], "--wait=false", "--ignore-not-found")
    said = {main["name"]: "main", HELPER: HELPER, SIDECAR: SIDECAR}
    for container, who in said.items():
        assert by_container[container][:2] == [f"{who} 0", f"{who} 1"]
        assert [line["msg"] for line in listed if line["container"] == container][:2] == [f"{who} 0", f"{who} 1"]
        assert f" [{container}] {who} 0\n" in text
    assert {line["container"] for line in listed} == set(said)
    assert [line["t"] for line in listed] == sorted(line["t"] for line in listed)


def _template(local: Local, name: str) -> dict[str, Any] | None:
    answer = local.try_kubectl("-n", NAMESPACE, "get", "deployment", name, "-o", "json")
    found: dict[str, Any] = json.loads(answer.out)["spec"]["template"] if answer.status == 0 else {}
    return found or None


def _all_three(api: Any, name: str) -> dict[str, list[str]] | None:
    """What a stream of all containers has at first, by container, once each has said two lines."""
    query = {"target": name, "container": "*", "follow": "0", "tail": "5000"}
    answer = api.get("/sse/logs", params=query, timeout=30)
    found: dict[str, list[str]] = {}
    for block in answer.text.split("\n\n"):
        if block.startswith("id: "):
            line = json.loads(block.partition("data: ")[2])
            found.setdefault(line["container"], []).append(line["msg"])
    return found if len(found) == 3 and all(len(lines) >= 2 for lines in found.values()) else None
