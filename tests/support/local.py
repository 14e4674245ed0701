"""The running local cluster as tests and proofs see it: kubectl, the API with a token, the addresses.

It asks the `guildnet_local` program as a person would (`make url`, `make token`, …) and knows nothing of its inside.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "guildnet-workspaces"
RELEASE_NAMESPACE = "guildnet"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said. `out` and `err` are text without the trailing newline."""

    status: int
    out: str
    err: str


def run(*command: str, stdin: str | None = None, timeout: float = 120) -> Answer:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT)
    return Answer(done.returncode, done.stdout.rstrip("\n"), done.stderr.rstrip("\n"))


def guildnet_local(*arguments: str, timeout: float = 120) -> str:
    """The standard output of one `guildnet_local` command.

    Raises AssertionError with what the command said when it fails.
    """
    answer = run(sys.executable, "-m", "guildnet_local", *arguments, timeout=timeout)
    assert answer.status == 0, f"guildnet_local {' '.join(arguments)} failed:\n{answer.out}\n{answer.err}"
    return answer.out


def is_up() -> bool:
    return run(sys.executable, "-m", "guildnet_local", "status", "--quiet").status == 0


def bring_up() -> None:
    """The whole of `make up`, on a cluster that runs too: what is measured is this checkout, not what was there."""
    subprocess.run([sys.executable, "-m", "guildnet_local", "up"], check=True, cwd=ROOT)


@dataclass(frozen=True, slots=True)
class Tailnet:
    """The second device on the test tailnet."""

    socks5: str
    url: str
    login: str
    ca: str | None


class Local:
    """Handles on the running install. Everything is read once, when first asked for."""

    @cached_property
    def kubeconfig(self) -> str:
        return guildnet_local("kubeconfig")

    @cached_property
    def login_url(self) -> str:
        return guildnet_local("url")

    @cached_property
    def token(self) -> str:
        return guildnet_local("token")

    @cached_property
    def tailnet(self) -> Tailnet:
        return Tailnet(**json.loads(guildnet_local("tailnet")))

    @cached_property
    def origin(self) -> str:
        """The control origin of the local entry, without a trailing slash."""
        parts = urlsplit(self.login_url)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def _kubectl(self) -> str:
        from guildnet_local.build.programs import ensure

        return str(ensure(["kubectl"], report=lambda _: None)["kubectl"])

    def kubectl_command(self, *arguments: str) -> list[str]:
        return [self._kubectl, "--kubeconfig", self.kubeconfig, *arguments]

    def try_kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> Answer:
        return run(*self.kubectl_command(*arguments), stdin=stdin, timeout=timeout)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        answer = self.try_kubectl(*arguments, stdin=stdin, timeout=timeout)
        assert answer.status == 0, f"kubectl {' '.join(arguments)}:\n{answer.out}\n{answer.err}"
        return answer.out

    def get(self, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("-n", namespace, "get", kind, name, "-o", "json"))
        return found

    def apply(self, *objects: dict[str, Any]) -> str:
        return self.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def create(self, body: dict[str, Any]) -> str:
        return self.kubectl("create", "-f", "-", stdin=json.dumps(body))

    def wait_ready(self, name: str, seconds: int = 120) -> None:
        self.kubectl(
            "-n", NAMESPACE, "wait", "--for=condition=Ready", f"workspace/{name}", f"--timeout={seconds}s",
            timeout=seconds + 10,
        )  # fmt: skip

    def delete_workspace(self, name: str) -> None:
        self.kubectl(
            "-n", NAMESPACE, "delete", "workspace", name, "--ignore-not-found", "--cascade=foreground", "--timeout=60s"
        )

    @contextmanager
    def api(self) -> Iterator[httpx2.Client]:
        """The HTTP API through the front door, with an administrator's token.

        `*.localhost` is loopback to a browser but not to every resolver, so the name travels in the Host header.
        """
        parts = urlsplit(self.origin)
        headers = {"Authorization": f"Bearer {self.token}", "Host": parts.netloc}
        with httpx2.Client(base_url=f"http://127.0.0.1:{parts.port or 80}", headers=headers, timeout=30) as client:
            yield client


def workspace(name: str, image: str, **spec: Any) -> dict[str, Any]:
    """A Workspace object for `apply`."""
    return {
        "apiVersion": "guildnet.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"image": image, **spec},
    }
