"""The chart into the cluster: values for this install, Helm's command line, the example workspace, the waiting."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guildnet_local.cluster.kubectl import Kubectl, KubectlError
from guildnet_local.settings import (
    CLUSTER_DOMAIN,
    FRONT_DOOR_IP,
    RELEASE,
    RELEASE_NAMESPACE,
    WORKSPACE_NAMESPACE,
    LocalError,
)

# Images of the release, by the chart value that names each; the sandbox, DNS and workspace images are not the chart's.
COMPONENTS = ("api", "proxy", "operator", "valkey")
# Tailscale's test control server wants the key at every registration, a real one only at a node's first: without this
# the sidecar could not come back after a restart.
AUTH_AGAIN = {"name": "TS_AUTH_ONCE", "value": "false"}
EXAMPLE = Path("examples") / "jupyterlab.yaml"


def split_reference(ref: str) -> tuple[str, str]:
    """(repository, tag) of an image reference."""
    repository, _, tag = ref.rpartition(":")
    return repository, tag


def image_value(ref: str) -> dict[str, str]:
    repository, tag = split_reference(ref)
    return {"repository": repository, "tag": tag}


def local_values(refs: Mapping[str, str], origin: str, tailnet: Mapping[str, Any]) -> dict[str, Any]:
    """The chart's values on the local cluster: its images, its one front door address, its tailnet.

    `refs` maps image names to references; `tailnet` is what the tailnet room says, or nothing.
    """
    values: dict[str, Any] = {
        **{name: {"image": image_value(refs[name])} for name in COMPONENTS},
        "clusterDomain": CLUSTER_DOMAIN,
        "entries": {"local": {"origin": origin}},
        **tailnet,
    }
    values["proxy"]["service"] = {"clusterIP": FRONT_DOOR_IP}
    if tailnet:
        own = {
            "image": image_value(refs["tailscale"]),
            "extraEnv": [*tailnet["tailnet"].get("extraEnv", ()), AUTH_AGAIN],
        }
        values["tailnet"] = {**tailnet["tailnet"], **own}
    return values


def context_values(registry: str, origin: str) -> dict[str, Any]:
    """The chart's values on a cluster of the user's: images from the registry they named."""
    return {"image": {"registry": registry}, "entries": {"local": {"origin": origin}}}


@dataclass(frozen=True, slots=True)
class Helm:
    """The pinned Helm for one cluster."""

    program: Path
    kubectl: Kubectl

    def command(self, *arguments: str) -> list[str]:
        where = [f"--kubeconfig={self.kubectl.kubeconfig}"] if self.kubectl.kubeconfig else []
        which = [f"--kube-context={self.kubectl.context}"] if self.kubectl.context else []
        return [str(self.program), *arguments, f"--namespace={RELEASE_NAMESPACE}", *where, *which]

    def _run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=self.kubectl.environment,
        )

    def upgrade(self, chart: Path, values: Mapping[str, Any]) -> str:
        """Install or upgrade by server-side apply; the revision. Raises LocalError with what Helm said."""
        self._forget_unfinished()
        done = self._run(
            "upgrade", RELEASE, str(chart), "--install", "--create-namespace", "--server-side=true",
            "--force-conflicts", "--values=-", "--output=json", stdin=yaml.safe_dump(dict(values), sort_keys=False),
        )  # fmt: skip
        if done.returncode != 0:
            raise LocalError(f"helm upgrade --install {RELEASE}: {done.stderr.strip()}")
        return f"revision {json.loads(done.stdout)['version']}"

    def uninstall(self) -> None:
        done = self._run("uninstall", RELEASE, "--ignore-not-found", "--wait", "--timeout=120s")
        if done.returncode != 0:
            raise LocalError(f"helm uninstall {RELEASE}: {done.stderr.strip()}")

    def _forget_unfinished(self) -> None:
        """Helm refuses to touch a release whose last operation was cut short: drop the record of that operation.

        What it made carries the release's marks and is taken over.
        """
        try:
            self.kubectl(
                "delete", "secret", f"--namespace={RELEASE_NAMESPACE}", "--ignore-not-found",
                f"--selector=owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)",
            )  # fmt: skip
        except KubectlError as problem:
            raise LocalError(f"cannot look for an unfinished installation: {problem}") from problem


def await_rollout(kubectl: Kubectl, say: Callable[[str], None], seconds: float = 120) -> None:
    """Wait until every Deployment of the release has its new pods, saying what is waited for.

    Raises LocalError with what hinders it, early when a container keeps crashing.
    """
    deadline = time.monotonic() + seconds
    told = ""
    while waited_for := _unfinished(kubectl.get("deployments", f"--namespace={RELEASE_NAMESPACE}")["items"]):
        pods = kubectl.get("pods", f"--namespace={RELEASE_NAMESPACE}")["items"]
        crashing = [name for name in waited_for if _keeps_crashing(pods, name)]
        if crashing or time.monotonic() > deadline:
            why = f"{', '.join(crashing)}: keeps crashing" if crashing else f"not within {seconds:g} s"
            text = f"waiting for {', '.join(waited_for)}: {why}"
            raise LocalError(f"{text}\n{explain(kubectl, RELEASE_NAMESPACE)}")
        if (now := ", ".join(waited_for)) != told:
            say(f"waiting for {now}")
            told = now
        time.sleep(0.3)


def _unfinished(deployments: Sequence[Mapping[str, Any]]) -> list[str]:
    """The Deployments that do not run, whole and up to date, what their spec says (`kubectl rollout status`)."""
    return [item["metadata"]["name"] for item in deployments if not _is_finished(item)]


def _is_finished(deployment: Mapping[str, Any]) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )


def _keeps_crashing(pods: Sequence[Mapping[str, Any]], deployment: str) -> bool:
    """Whether a container of the Deployment's newest pod was started four times and waits to be started again."""
    own = [pod for pod in pods if pod["metadata"]["name"].startswith(f"{deployment}-")]
    if not own:
        return False
    newest = max(own, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    statuses = newest.get("status", {})
    return any(
        status.get("restartCount", 0) >= 3 and "waiting" in status.get("state", {})
        for status in (*statuses.get("initContainerStatuses", ()), *statuses.get("containerStatuses", ()))
    )


def example_name(manifest: Path) -> str:
    name: str = yaml.safe_load(manifest.read_text())["metadata"]["name"]
    return name


def apply_example(kubectl: Kubectl, manifest: Path) -> str:
    """Apply the example as it is; its name. A CustomResourceDefinition just made may need a moment: tried for 20 s."""
    name = example_name(manifest)
    deadline = time.monotonic() + 20
    while True:
        try:
            kubectl("apply", "--filename", str(manifest))
        except KubectlError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return name


def await_workspace(kubectl: Kubectl, name: str, say: Callable[[str], None], seconds: float = 180) -> str:
    """Wait until the Workspace is Ready, saying what changes meanwhile; its address."""
    deadline = time.monotonic() + seconds
    told = ""
    while True:
        status = kubectl.get("workspaces.guildnet.io", name, f"--namespace={WORKSPACE_NAMESPACE}").get("status", {})
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
    """One phrase: the phase and why it is not Ready yet."""
    ready = next((c for c in conditions if c["type"] == "Ready"), None)
    why = ": ".join(filter(None, (ready.get("reason"), ready.get("message")))) if ready else ""
    return f"{phase}, {why}" if why else phase


def explain(kubectl: Kubectl, namespace: str) -> str:
    """What a person would look at first: pods, recent warnings, and the last lines of containers that are not ready."""
    parts = []
    try:
        pods = kubectl.get("pods", f"--namespace={namespace}")["items"]
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
