"""kubectl, so that a person's own login to a cluster is used; and where an install is in one."""

from __future__ import annotations

import json
import subprocess
from typing import Any, NamedTuple, Protocol


class KubectlError(Exception):
    """kubectl failed; the text is the last line of what it said."""


class Kubectl(Protocol):
    """Runs kubectl."""

    def text(self, *arguments: str) -> str:
        """Its output. Raises KubectlError."""
        ...


class RealKubectl:
    """The kubectl on PATH, on one kubeconfig and context ("" for kubectl's own choice)."""

    def __init__(self, kubeconfig: str, program: str = "kubectl", *, context: str = "") -> None:
        chosen = (("--kubeconfig", kubeconfig), ("--context", context))
        options = [word for option in chosen if option[1] for word in option]
        self._start = [program, *options, "--request-timeout=10s"]

    def text(self, *arguments: str) -> str:
        try:
            done = subprocess.run([*self._start, *arguments], capture_output=True, text=True, timeout=30, check=False)
        except FileNotFoundError:
            raise KubectlError("kubectl is not on PATH") from None
        except subprocess.TimeoutExpired:
            raise KubectlError("no answer in time") from None
        if done.returncode != 0:
            raise KubectlError((done.stderr.strip() or done.stdout.strip() or "failed").splitlines()[-1])
        return done.stdout


class Part(NamedTuple):
    """A program of the install, by its Deployment."""

    name: str
    namespace: str
    account: str
    ready: int
    wanted: int
    env: dict[str, str]
    containers: tuple[str, ...]


def items(kubectl: Kubectl, *arguments: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(kubectl.text("get", *arguments, "--ignore-not-found", "-o", "json") or "{}")
    except ValueError:
        raise KubectlError("an answer that is not JSON") from None
    found: list[dict[str, Any]] = document.get("items", [document] if document else [])
    return found


def parts(kubectl: Kubectl, namespace: str) -> dict[str, Part]:
    """By component. Where there are several installs and no namespace is named, those of the first operator."""
    where = ("-n", namespace) if namespace else ("-A",)
    listed = items(kubectl, "deployments", *where, "-l", "app.kubernetes.io/part-of=guildnet")
    found = [(one["metadata"]["labels"].get("app.kubernetes.io/component", ""), _part(one)) for one in listed]
    home = next((part.namespace for name, part in found if name == "operator"), namespace)
    return {name: part for name, part in found if not home or part.namespace == home}


def _part(item: dict[str, Any]) -> Part:
    spec = item["spec"]["template"]["spec"]
    containers = [*spec.get("initContainers", ()), *spec["containers"]]
    env = {one["name"]: one.get("value", "") for container in containers for one in container.get("env", ())}
    return Part(
        item["metadata"]["name"], item["metadata"]["namespace"], spec.get("serviceAccountName", "default"),
        item.get("status", {}).get("availableReplicas", 0), item["spec"].get("replicas", 1), env,
        tuple(one["name"] for one in containers),
    )  # fmt: skip
