"""One way: a file is written, the status is read, the workspace ends or moves, and the file is looked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from support.local import NAMESPACE, Local, workspace
from support.waiting import until

SHELL: Final = "guildnet/busybox:0.1.0"
HOMELY: Final = "guildnet/jupyterlab:0.1.0"
"""An image with a home that its user may write to, also without a volume there."""
FILE: Final = "/home/workspace/file"
WORDS: Final = "what somebody worked on"
SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Way:
    """`ends` ends or moves the workspace of a name and returns when it runs again, as `again` waits for."""

    what: str
    ends: Callable[[Local, str], None]
    keeps: bool
    """Whether the file has to be there again."""
    volume: Mapping[str, Any] | None
    deletes: bool = False
    """Whether the Workspace goes: what becomes of the volume then is said by its condition StorageReady."""
    alone: bool = False
    """Whether others of the cluster notice it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the status said before, what had to become of the file, and what became of it; None where it broke down."""

    way: Way
    said: str
    promised: bool
    kept: bool | None
    problem: str = ""

    @property
    def good(self) -> bool:
        return self.kept is not None and self.promised == self.kept == self.way.keeps

    def __str__(self) -> str:
        became = {True: "kept", False: "lost", None: f"NOT PLAYED: {self.problem}"}[self.kept]
        return f"{self.way.what}: said {self.said!r}, {became}{'' if self.good else ' – NOT AS SAID'}"


def spec(way: Way) -> dict[str, Any]:
    command = ["sh", "-c", "trap exit TERM; while :; do sleep 1; done"]
    volume = {} if way.volume is None else {"storage": dict(way.volume)}
    return {"command": command, "probe": {"type": "none"}, **volume}


def play(local: Local, way: Way) -> Outcome:
    name = "proof-files-" + way.what.partition(":")[0].replace(" ", "-")
    said, promised = "", False
    clean(local, name)
    try:
        local.apply(workspace(name, SHELL if way.volume else HOMELY, **spec(way)))
        again(local, name, "")
        shell(local, name, f"echo '{WORDS}' > {FILE}")
        said, promised = promise(local.get("workspace", name), way)
        way.ends(local, name)
        kept = shell(local, name, f"cat {FILE} 2>/dev/null || true") == WORDS
    except AssertionError as error:
        return Outcome(way, said, promised, None, str(error).splitlines()[0])
    finally:
        clean(local, name)
    return Outcome(way, said, promised, kept)


def promise(found: Mapping[str, Any], way: Way) -> tuple[str, bool]:
    """What the status says of the files, and whether that means they are there again."""
    word = found["status"].get("files") or "nothing"
    storage = next(item for item in found["status"]["conditions"] if item["type"] == "StorageReady")
    if not way.deletes:
        return word, word == "kept"
    return f"{word}; {storage['message']}", "stays when the Workspace is deleted" in storage["message"]


def clean(local: Local, name: str) -> None:
    local.delete_workspace(name)
    local.try_kubectl("-n", NAMESPACE, "delete", "pvc", f"{name}-storage", "--ignore-not-found", "--timeout=60s")


def shell(local: Local, name: str, script: str) -> str:
    pod = local.get("workspace", name)["status"]["podName"]
    return local.kubectl("-n", NAMESPACE, "exec", pod, "-c", "workspace", "--", "sh", "-c", script)


def again(local: Local, name: str, pod: str, *, restarts: int = 0) -> None:
    """Wait until it is ready by its present spec, in another pod than this one or after so many restarts."""

    def ready() -> bool:
        answer = local.try_kubectl("-n", NAMESPACE, "get", "workspace", name, "-o", "json")
        if answer.status:
            return False
        return is_again(answer.out, pod, restarts)

    until(ready, f"{name} ready again", seconds=SECONDS)


def is_again(text: str, pod: str, restarts: int) -> bool:
    found = json.loads(text)
    status = found.get("status") or {}
    conditions = {item["type"]: item["status"] for item in status.get("conditions", ())}
    other = status.get("podName", "") != pod or (restarts and status.get("restarts", 0) >= restarts)
    current = status.get("observedGeneration") == found["metadata"]["generation"]
    return bool(current and other and status.get("podName") and conditions.get("Ready") == "True")
