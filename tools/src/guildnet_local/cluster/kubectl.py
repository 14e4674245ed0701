"""kubectl as a value: which program, which kubeconfig, which context."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guildnet_local.build import programs
from guildnet_local.build.cache import Report
from guildnet_local.settings import LocalError

FIELD_MANAGER = "guildnet-local"


class KubectlError(LocalError):
    """A call of kubectl that failed; the text is what kubectl said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Calls of one cluster. Without `kubeconfig` the user's own is used.

    Without `program` one is built when it is wanted.
    """

    program: Path | None = None
    kubeconfig: Path | None = None
    context: str | None = None

    def command(self, *arguments: str) -> list[str]:
        where = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        which = [f"--context={self.context}"] if self.context else []
        return [str(self.program or built_kubectl()), *where, *which, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of kubectl and Helm. What they cache about a local cluster goes when the cluster goes."""
        if self.kubeconfig is None:
            return dict(os.environ)
        cache = self.kubeconfig.parent / "client"
        homes = {f"HELM_{what}_HOME": str(cache / what.lower()) for what in ("CACHE", "CONFIG", "DATA")}
        return {**os.environ, **homes, "KUBECACHEDIR": str(cache / "kube")}

    def __call__(self, *arguments: str, stdin: str | None = None, seconds: float = 60) -> str:
        """The standard output of one call. Raises KubectlError with what kubectl said."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
                env=self.environment,
            )
        except subprocess.TimeoutExpired as problem:
            raise KubectlError(f"kubectl {' '.join(arguments)}: no answer within {seconds:g} s") from problem
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def get(self, kind: str, name: str = "", *, namespace: str = "") -> Any:
        """One object, or the list of those in the namespace; without a namespace, of those in all."""
        which = (name,) if name else ()
        where = f"--namespace={namespace}" if namespace else "--all-namespaces"
        return json.loads(self("get", kind, *which, *(() if name and not namespace else (where,)), "--output=json"))

    def delete(self, kind: str, *, namespace: str, selector: str) -> None:
        """Delete the objects that the selector of labels takes, if there are any."""
        self("delete", kind, f"--namespace={namespace}", "--ignore-not-found", f"--selector={selector}")

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Server-side apply, in order."""
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-", stdin=body)

    def token(self, namespace: str, account: str, *, audience: str, hours: int) -> str:
        """A new token of a ServiceAccount."""
        return self(
            "create", "token", account, f"--namespace={namespace}", f"--audience={audience}", f"--duration={hours}h"
        ).strip()


def built_kubectl(report: Report = lambda line: print(line, file=sys.stderr, flush=True)) -> Path:
    """A kubectl of this machine or of our own making."""
    return programs.ensure(("kubectl",), report=report)["kubectl"]


def is_rolled_out(deployment: Mapping[str, Any]) -> bool:
    """Whether it runs, whole and up to date, what its spec says (`kubectl rollout status`)."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )
