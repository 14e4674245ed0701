"""The pinned Helm's command line: install, upgrade and uninstall of the release."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guildnet_local.cluster.kubectl import Kubectl, KubectlError
from guildnet_local.settings import RELEASE, RELEASE_NAMESPACE, LocalError

COMMAND_SECONDS = 300
UNINSTALL_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Helm:
    """The pinned Helm for one cluster."""

    program: Path
    kubectl: Kubectl

    def command(self, *arguments: str) -> list[str]:
        """A call about the release's namespace."""
        return self.anywhere(*arguments, f"--namespace={RELEASE_NAMESPACE}")

    def anywhere(self, *arguments: str) -> list[str]:
        """A call about the cluster; the arguments say which namespace."""
        where = [f"--kubeconfig={self.kubectl.kubeconfig}"] if self.kubectl.kubeconfig else []
        which = [f"--kube-context={self.kubectl.context}"] if self.kubectl.context else []
        return [str(self.program), *where, *which, *arguments]

    def _run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
            env=self.kubectl.environment,
        )

    def upgrade(self, chart: Path, values: Mapping[str, Any], files: Sequence[Path] = ()) -> str:
        """Install or upgrade by server-side apply; the revision. What `files` say goes before `values`.

        Raises LocalError with what Helm said.
        """
        self._forget_unfinished()
        more = (f"--values={file}" for file in files)
        done = self._run(
            "upgrade", RELEASE, str(chart), "--install", "--create-namespace", "--server-side=true",
            "--force-conflicts", "--values=-", *more, "--output=json",
            stdin=yaml.safe_dump(dict(values), sort_keys=False),
        )  # fmt: skip
        if done.returncode != 0:
            raise LocalError(f"helm upgrade --install {RELEASE}: {done.stderr.strip()}")
        return f"revision {json.loads(done.stdout)['version']}"

    def uninstall(self) -> None:
        done = self._run("uninstall", RELEASE, "--ignore-not-found", "--wait", f"--timeout={UNINSTALL_SECONDS}s")
        if done.returncode != 0:
            raise LocalError(f"helm uninstall {RELEASE}: {done.stderr.strip()}")

    def _forget_unfinished(self) -> None:
        """Helm refuses to touch a release whose last operation was cut short: drop the record of that operation.

        What it made carries the release's marks and is taken over.
        """
        try:
            unfinished = "status in (pending-install,pending-upgrade,pending-rollback)"
            self.kubectl.delete(
                "secrets", namespace=RELEASE_NAMESPACE, selector=f"owner=helm,name={RELEASE},{unfinished}"
            )
        except KubectlError as problem:
            raise LocalError(f"cannot look for an unfinished installation: {problem}") from problem
