"""kubectl as a value: which program, which kubeconfig, which context."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guildnet_local.settings import LocalError


class KubectlError(LocalError):
    """A call of kubectl that failed; the text is what kubectl said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Calls of one cluster. Without `kubeconfig` the user's own is used."""

    program: Path
    kubeconfig: Path | None = None
    context: str | None = None

    def command(self, *arguments: str) -> list[str]:
        where = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        which = [f"--context={self.context}"] if self.context else []
        return [str(self.program), *where, *which, *arguments]

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

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "--output=json"))

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Server-side apply, in order."""
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self("apply", "--server-side", "--force-conflicts", "--field-manager=guildnet-local", "-f", "-", stdin=body)

    def token(self, namespace: str, account: str, *, audience: str, hours: int) -> str:
        """A new token of a ServiceAccount."""
        return self(
            "create", "token", account, f"--namespace={namespace}", f"--audience={audience}", f"--duration={hours}h"
        ).strip()
