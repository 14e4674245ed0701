"""A GuildNet of a test's own, beside that of the local cluster: no tailnet, and namespaces that nobody else has."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import httpx2
import yaml

from support.local import ROOT, Answer, Local, guildnet_local, run
from support.waiting import until

COMPONENTS = ("api", "proxy", "operator", "valkey")
_FORWARDED = re.compile(r"127\.0\.0\.1:(\d+) ->")


@dataclass(frozen=True, slots=True)
class Release:
    """One release of the chart: `name` is also its namespace. The CRDs are those of the local cluster's own release."""

    local: Local
    name: str

    @property
    def workspaces(self) -> str:
        """The namespace of its Workspaces."""
        return f"{self.name}-workspaces"

    def helm(self, *arguments: str, stdin: str | None = None) -> Answer:
        from guildnet_local.build.programs import ensure

        program = str(ensure(["helm"], report=lambda _: None)["helm"])
        where = ("--kubeconfig", self.local.kubeconfig, "--namespace", self.name)
        return run(program, *where, *arguments, stdin=stdin, timeout=150)

    def install(self) -> None:
        values = yaml.safe_load(guildnet_local("values"))
        values |= {
            "tailnet": {"enabled": False},
            "crds": {"enabled": False},
            "workspaces": {**values.get("workspaces", {}), "namespace": self.workspaces},
        }
        values["proxy"]["service"].pop("clusterIP", None)
        done = self.helm(
            "install", self.name, str(ROOT / "charts" / "guildnet"), "--create-namespace", "--server-side=true",
            "--values", "-", "--wait", "--timeout=120s", stdin=yaml.safe_dump(values),
        )  # fmt: skip
        assert done.status == 0, done.err

    def uninstall(self) -> None:
        done = self.helm("uninstall", self.name, "--wait", "--timeout=120s")
        assert done.status == 0, done.err

    def remove(self) -> None:
        """Every trace, whatever state it is in."""
        self.helm("uninstall", self.name, "--ignore-not-found", "--wait", "--timeout=120s")
        self.local.kubectl(
            "delete", "namespace", self.name, self.workspaces, "--ignore-not-found", "--timeout=120s", timeout=130
        )

    # ---- what is in it ----

    def apply(self, *objects: dict[str, Any]) -> None:
        """Into its namespace of Workspaces."""
        placed = [{**one, "metadata": {**one["metadata"], "namespace": self.workspaces}} for one in objects]
        self.local.apply(*placed)

    def wait_ready(self, name: str) -> None:
        self.local.kubectl(
            "-n", self.workspaces, "wait", "--for=condition=Ready", f"workspace/{name}", "--timeout=120s", timeout=130
        )

    def list(self, kinds: str, *options: str) -> list[dict[str, Any]]:
        """The objects of these kinds beside its Workspaces."""
        listed = self.local.kubectl("-n", self.workspaces, "get", kinds, *options, "-o", "json")
        found: list[dict[str, Any]] = json.loads(listed)["items"]
        return found

    # ---- its front door ----

    @contextmanager
    def front_door(self) -> Iterator[str]:
        """The URL of its proxy on this host, forwarded by kubectl."""
        command = self.local.kubectl_command("-n", self.name, "port-forward", f"service/{self.name}-proxy", ":80")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forward:
            try:
                assert forward.stdout is not None
                line = forward.stdout.readline()
                found = _FORWARDED.search(line)
                assert found, f"kubectl port-forward: {line}{'' if forward.poll() is None else forward.stdout.read()}"
                yield f"http://127.0.0.1:{found[1]}"
            finally:
                forward.terminate()

    def client(self, url: str, account: str = "") -> httpx2.Client:
        """An HTTP client with a token of this account of its namespace; the administrator's without one."""
        name = account or f"{self.name}-admin"
        token = self.local.kubectl("-n", self.name, "create", "token", name, "--audience=guildnet")
        headers = {"Authorization": f"Bearer {token}", "Host": urlsplit(self.local.origin).netloc}
        return httpx2.Client(base_url=url, headers=headers, timeout=30)


@contextmanager
def installed(local: Local) -> Iterator[Release]:
    """A release that is gone afterwards, and that the API server never refused anything."""
    release = Release(local, f"guildnet-e2e-{token_hex(3)}")
    try:
        release.install()
        yield release
        if not _is_uninstalled(release):
            assert refusals(local, release.name, release.name) == {}
    finally:
        release.remove()


def _is_uninstalled(release: Release) -> bool:
    return release.helm("status", release.name).status != 0


def refusals(local: Local, namespace: str, release: str) -> dict[str, list[str]]:
    """What the API server refused a component, by pod and container, in the logs of every run that is still to be read.

    Raises AssertionError when a component has no pod, or its own container no log: nothing would be proved.
    """
    found: dict[str, list[str]] = {}
    for component in COMPONENTS:
        selector = f"app.kubernetes.io/instance={release},app.kubernetes.io/component={component}"
        pods = json.loads(local.kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "json"))["items"]
        assert pods, f"no pod of {component} in {namespace}"
        for pod in pods:
            status = pod["status"]
            for container in (*status.get("initContainerStatuses", ()), *status["containerStatuses"]):
                where = f"{pod['metadata']['name']}/{container['name']}"
                lines = _every_line(local, namespace, pod["metadata"]["name"], container)
                assert lines or container["name"] != component, f"no log of {where}"
                if refused := [line for line in lines if "is forbidden" in line]:
                    found[where] = refused
    return found


def _every_line(local: Local, namespace: str, pod: str, container: dict[str, Any]) -> list[str]:
    """Of the present run and of the one before it, which is all that a kubelet keeps."""
    runs = [(), ("--previous",)] if container["restartCount"] else [()]
    asked = (("-n", namespace, "logs", pod, "-c", container["name"], "--tail=-1", *options) for options in runs)
    return [line for command in asked for line in local.kubectl(*command).splitlines()]


def gone(release: Release, name: str) -> None:
    """Wait until no child of this Workspace is left."""
    until(lambda: children(release, name) == [], f"the children of {name} gone", seconds=60)


def children(release: Release, name: str) -> list[str]:
    """Deployment, Service and pods of one Workspace, as kind/name."""
    found = release.list("deployments,services,pods", "-l", f"guildnet.io/workspace={name}")
    return sorted(f"{one['kind']}/{one['metadata']['name']}" for one in found)
