"""An install that nothing but its cluster's API server leads to: by `kubectl port-forward` to its proxy."""

from __future__ import annotations

import atexit
import os
import re
import selectors
import subprocess
import time
from typing import IO, Final, NamedTuple

from guildnet_cli.errors import NOT_FOUND, UNREACHABLE, USAGE, CliError
from guildnet_cli.reach.kubectl import KubectlError, RealKubectl, parts

PORT: Final = 8080
"""Of the proxy's container, in every install."""
AUDIENCE: Final = "guildnet"
_GOOD_FOR: Final = "12h"
_SECONDS: Final = 15.0
_FORWARDING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


class Cluster(NamedTuple):
    """Where an install is, in kubectl's words; "" for kubectl's own choice. `deployment` is the proxy's."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    deployment: str = ""

    def kubectl(self, *arguments: str) -> list[str]:
        """A command line."""
        options = (("--kubeconfig", self.kubeconfig), ("--context", self.context))
        return ["kubectl", *(word for option in options if option[1] for word in option), *arguments]


class Found(NamedTuple):
    """An install in a cluster: how it is reached, and its local entry's origin."""

    cluster: Cluster
    url: str


def find(kubeconfig: str, context: str, namespace: str) -> Found:
    """The install in a cluster, the first where no namespace is named. Raises CliError."""
    asked = Cluster(kubeconfig, context, namespace)
    try:
        proxy = parts(RealKubectl(kubeconfig, context=context), namespace).get("proxy")
    except KubectlError as error:
        raise CliError(UNREACHABLE, f"kubectl: {error}", "guildnet doctor --kubeconfig FILE") from None
    if proxy is None:
        where = f"namespace {namespace}" if namespace else "this cluster"
        raise CliError(NOT_FOUND, f"there is no GuildNet in {where}", "helm install guildnet, or --namespace NS")
    url = proxy.env.get("LOCAL_ORIGIN", "")
    if not url:
        hint = "set entries.local.origin in the chart's values, or log in by another address"
        raise CliError(USAGE, f"the install in {proxy.namespace} has no local entry to come in by", hint)
    return Found(asked._replace(namespace=proxy.namespace, deployment=proxy.name), url)


def admin_token(cluster: Cluster) -> str:
    """A token of the install's administrator. Raises CliError where the person's kubeconfig may make none."""
    account = f"{cluster.deployment.removesuffix('-proxy')}-admin"
    words = ("-n", cluster.namespace, "create", "token", account, "--audience", AUDIENCE, "--duration", _GOOD_FOR)
    try:
        done = subprocess.run(cluster.kubectl(*words), capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CliError(UNREACHABLE, f"kubectl create token: {error}", "guildnet login … --token -") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or "failed").splitlines()[-1]
        raise CliError(UNREACHABLE, f"kubectl create token: {said}", "guildnet login … --token -   (a token of yours)")
    return done.stdout.strip()


def forward(cluster: Cluster) -> int:
    """Starts a forwarder that ends with this program; gives the port here. Raises CliError."""
    words = ("-n", cluster.namespace, "port-forward", "--address", "127.0.0.1", f"deployment/{cluster.deployment}")
    command = cluster.kubectl(*words, f":{PORT}")
    try:
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError:
        raise CliError(UNREACHABLE, "kubectl is not on PATH", "install kubectl, or log in by an address") from None
    atexit.register(_end, started)
    said = _first_lines(started.stdout)
    found = _FORWARDING.search(said)
    if found is None:
        last = said.strip().splitlines()[-1:] or ["no answer in time"]
        raise CliError(UNREACHABLE, f"kubectl port-forward: {last[0]}", "guildnet doctor --kubeconfig FILE")
    return int(found[1])


def _first_lines(output: IO[bytes] | None) -> str:
    """What it says until it forwards, ends, or the time is over."""
    if output is None:
        return ""
    said, deadline = b"", time.monotonic() + _SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while not _FORWARDING.search(said.decode("utf-8", "replace")) and time.monotonic() < deadline:
            if not selector.select(deadline - time.monotonic()):
                break
            chunk = os.read(output.fileno(), 4096)
            if not chunk:
                break
            said += chunk
    return said.decode("utf-8", "replace")


def _end(started: subprocess.Popen[bytes]) -> None:
    started.terminate()
    started.wait(5)
