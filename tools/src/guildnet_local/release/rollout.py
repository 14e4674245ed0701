"""Waiting until what was applied runs: the release's Deployments and the example workspace, and why they do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from guildnet_local.cluster.kubectl import Kubectl, KubectlError, is_rolled_out
from guildnet_local.settings import RELEASE_NAMESPACE, WORKSPACE_NAMESPACE, LocalError

EXAMPLE = Path("examples") / "jupyterlab.yaml"
# A container that was started this often and waits to be started again keeps crashing.
MIN_CRASH_RESTARTS = 3
# For so long a registry may fail to give an image before nobody waits for it any more.
PULL_SECONDS = 45.0
# How long a CustomResourceDefinition that was just made may take to be served.
CRD_SECONDS = 20.0


def await_rollout(kubectl: Kubectl, say: Callable[[str], None], seconds: float = 120) -> None:
    """Wait until every Deployment of the release has its new pods, saying what is waited for.

    Raises LocalError with what hinders it, early when a container keeps crashing or its image cannot be pulled.
    """
    deadline, pulled = time.monotonic() + seconds, time.monotonic()
    told = ""
    while waited_for := _unfinished(kubectl.get("deployments", namespace=RELEASE_NAMESPACE)["items"]):
        pods = kubectl.get("pods", namespace=RELEASE_NAMESPACE)["items"]
        crashing = [name for name in waited_for if _keeps_crashing(pods, name)]
        refused = pull_problem(pods)
        pulled = pulled if refused else time.monotonic()
        unpulled = refused and time.monotonic() - pulled > PULL_SECONDS
        if crashing or unpulled or time.monotonic() > deadline:
            why = f"{', '.join(crashing)}: keeps crashing" if crashing else f"not within {seconds:g} s"
            why = (
                f"{refused}; can the nodes reach that registry, and log in there (image.pullSecrets)?"
                if unpulled
                else why
            )
            text = f"waiting for {', '.join(waited_for)}: {why}"
            raise LocalError(f"{text}\n{explain(kubectl, RELEASE_NAMESPACE)}")
        if (now := ", ".join(waited_for)) != told:
            say(f"waiting for {now}")
            told = now
        time.sleep(0.3)


def _unfinished(deployments: Sequence[Mapping[str, Any]]) -> list[str]:
    return [item["metadata"]["name"] for item in deployments if not is_rolled_out(item)]


def pull_problem(pods: Sequence[Mapping[str, Any]]) -> str:
    """What the kubelet says of an image that it cannot pull; empty when there is none of these."""
    waiting = (
        status.get("state", {}).get("waiting", {})
        for pod in pods
        for kind in ("initContainerStatuses", "containerStatuses")
        for status in pod.get("status", {}).get(kind, ())
    )
    failed = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")
    return next((one.get("message") or one["reason"] for one in waiting if one.get("reason") in failed), "")


def _keeps_crashing(pods: Sequence[Mapping[str, Any]], deployment: str) -> bool:
    """Whether a container of the newest pod was restarted MIN_CRASH_RESTARTS times and is about to be again."""
    own = [pod for pod in pods if pod["metadata"]["name"].startswith(f"{deployment}-")]
    if not own:
        return False
    newest = max(own, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    statuses = newest.get("status", {})
    return any(
        status.get("restartCount", 0) >= MIN_CRASH_RESTARTS and "waiting" in status.get("state", {})
        for status in (*statuses.get("initContainerStatuses", ()), *statuses.get("containerStatuses", ()))
    )


def example_name(manifest: Path) -> str:
    """The name of the Workspace in a manifest."""
    name: str = yaml.safe_load(manifest.read_text())["metadata"]["name"]
    return name


def apply_example(kubectl: Kubectl, manifest: Path) -> str:
    """Apply the example as it is, trying for CRD_SECONDS; its name. Raises KubectlError."""
    name = example_name(manifest)
    deadline = time.monotonic() + CRD_SECONDS
    while True:
        try:
            kubectl.apply([yaml.safe_load(manifest.read_text())])
        except KubectlError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return name


def await_workspace(kubectl: Kubectl, name: str, say: Callable[[str], None], seconds: float = 180) -> str:
    """Wait until the Workspace is Ready, saying what changes meanwhile; its address. One that was stopped stays so."""
    deadline = time.monotonic() + seconds
    told = ""
    while True:
        found = kubectl.get("workspaces.guildnet.io", name, namespace=WORKSPACE_NAMESPACE)
        if found["spec"].get("running") is False:
            return f"{name} is stopped, and left so"
        status = found.get("status", {})
        conditions = status.get("conditions", [])
        if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            return str(status.get("url", ""))
        now = summary(status.get("phase", "Pending"), conditions)
        if now != told:
            say(f"workspace {name}: {now}")
            told = now
        if time.monotonic() > deadline:
            trouble = explain(kubectl, WORKSPACE_NAMESPACE)
            raise LocalError(f"workspace {name} is not Ready after {seconds:g} s ({now})\n{trouble}")
        time.sleep(0.25)


def summary(phase: str, conditions: Sequence[Mapping[str, Any]]) -> str:
    """The phase, and why the workspace is not Ready yet, in one phrase."""
    ready = next((c for c in conditions if c["type"] == "Ready"), None)
    why = ": ".join(filter(None, (ready.get("reason"), ready.get("message")))) if ready else ""
    return f"{phase}, {why}" if why else phase


def explain(kubectl: Kubectl, namespace: str) -> str:
    """The namespace's pods, its recent warnings, and the last lines of containers that are not ready, as text."""
    parts = []
    try:
        pods = kubectl.get("pods", namespace=namespace)["items"]
        parts.append(kubectl("get", "pods", f"--namespace={namespace}", "--output=wide"))
        parts.append(
            kubectl(
                "get", "events", f"--namespace={namespace}", "--field-selector=type=Warning",
                "--sort-by=.lastTimestamp", "--no-headers",
            )[-3000:]
        )  # fmt: skip
        for pod, container in _troubled(pods)[:4]:
            text = kubectl(f"--namespace={namespace}", "logs", pod, f"--container={container}", "--tail=15")
            parts.append(f"{pod}/{container}:\n{text}")
    except KubectlError as problem:
        parts.append(str(problem))
    return "\n".join(parts)


def _troubled(pods: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(pod, container) of each container that has started once and is not ready."""
    return [
        (pod["metadata"]["name"], status["name"])
        for pod in pods
        for status in (
            *pod.get("status", {}).get("initContainerStatuses", ()),
            *pod.get("status", {}).get("containerStatuses", ()),
        )
        if (not status["ready"] and "waiting" not in status.get("state", {})) or status.get("restartCount", 0) > 0
    ]
