"""GuildNet on a cluster the user has: images to the registry that the user names, then the chart, then the example.

Nothing but the chart goes into the cluster, and nothing runs on this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guildnet_local import publish
from guildnet_local.build import programs
from guildnet_local.cluster.bootstrap import of_cluster
from guildnet_local.cluster.kubectl import Kubectl, built_kubectl
from guildnet_local.machine.steps import Clock
from guildnet_local.release import rollout
from guildnet_local.release.helm import Helm
from guildnet_local.settings import RELEASE_NAMESPACE, WORKSPACE_NAMESPACE, LocalError, Settings

# The cluster that `CLUSTER=kind` makes, and the context by which kind writes it into the kubeconfig.
KIND_CLUSTER = "guildnet"
KIND_CONTEXT = f"kind-{KIND_CLUSTER}"
# What Chart.yaml asks for.
MIN_KUBERNETES = (1, 30)


@dataclass(frozen=True, slots=True)
class Target:
    """Which cluster a command means. `context` is empty for the local one; `kind` is true when we make it with kind."""

    context: str = ""
    kind: bool = False


def parse_target(text: str) -> Target:
    """`bare` (or nothing), `kind` or `context:NAME`. Raises LocalError for anything else."""
    if text in ("", "bare"):
        return Target()
    if text == "kind":
        return Target(KIND_CONTEXT, kind=True)
    kind, _, name = text.partition(":")
    if kind == "context" and name:
        return Target(name)
    raise LocalError(
        f"CLUSTER is {text!r}: it has to be `bare`, `kind` or `context:NAME` (see `kubectl config get-contexts`)"
    )


def up(settings: Settings, target: Target, environ: Mapping[str, str], report: Callable[[str], None]) -> None:
    """Push the images, install the chart in the user's context, launch the example, wait for it.

    VALUES names a file of the user's own values, which go before those of `up`. Raises LocalError.
    """
    clock, more = Clock(report), own_values(environ)
    check(reached(target, clock)[0])
    published = publish.publish(settings, environ, clock.say)
    values = {**published.values, "entries": {"local": {"origin": settings.origin}}}
    install(settings, target, values, yaml.safe_dump(published.manifest), clock, more)


def own_values(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The user's own file of values, where VALUES names one. Raises LocalError when it is not there."""
    named = environ.get("VALUES", "")
    if named and not Path(named).is_file():
        raise LocalError(f"VALUES is {named!r}: there is no such file")
    return (Path(named).absolute(),) if named else ()


def reached(target: Target, clock: Clock) -> tuple[Kubectl, Path]:
    """kubectl for the context, and Helm's program. Raises LocalError for a context that there is not."""
    built = programs.ensure(("kubectl", "helm"), report=clock.say)
    kubectl = Kubectl(built["kubectl"], context=target.context)
    known = kubectl("config", "get-contexts", "--output=name").split()
    if target.context not in known:
        raise LocalError(f"no context {target.context!r} in the kubeconfig; there are: {', '.join(known) or 'none'}")
    return kubectl, built["helm"]


def check(kubectl: Kubectl) -> None:
    """Raises LocalError for a cluster that does not answer or is too old, and for nodes that cannot run our images."""
    asked = json.loads(kubectl("version", "--output=json", "--request-timeout=10s"))
    version = asked.get("serverVersion", {}).get("gitVersion", "")
    if (found := minor_version(version)) is not None and found < MIN_KUBERNETES:
        raise LocalError(
            f"this cluster is Kubernetes {version}: {'.'.join(map(str, MIN_KUBERNETES))} or newer is needed"
        )
    nodes = [node["status"]["nodeInfo"]["architecture"] for node in kubectl.get("nodes")["items"]]
    if nodes and publish.architecture() not in nodes:
        raise LocalError(
            f"the nodes are {', '.join(sorted(set(nodes)))}, and images built here are for {publish.architecture()}: "
            "build and push them by `make images` on a machine of the nodes' kind"
        )


def minor_version(text: str) -> tuple[int, int] | None:
    """`v1.35.4+vendor` → (1, 35); None for what is no version."""
    matched = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(matched[1]), int(matched[2])) if matched else None


def install(
    settings: Settings,
    target: Target,
    values: Mapping[str, Any],
    manifest: str,
    clock: Clock,
    more: Sequence[Path] = (),
) -> None:
    """Install the chart with these values in a context, launch the manifest's workspace, say what to do next.

    `more` are files of values that go before these.
    """
    report = clock.report
    kubectl, helm = reached(target, clock)
    clock.say(f"using the cluster of context {target.context}")
    clock.say(f"chart: {Helm(helm, kubectl).upgrade(settings.chart, values, more)}")
    rollout.await_rollout(kubectl, clock.say, seconds=300)
    kubectl("apply", "--filename=-", stdin=manifest)
    name = yaml.safe_load(manifest)["metadata"]["name"]
    rollout.await_workspace(kubectl, name, clock.say, seconds=600)
    clock.say(f"workspace {name} is Ready; to reach the front door from here, keep this running:")
    report(f"  kubectl --context={target.context} --namespace={RELEASE_NAMESPACE} "
           f"port-forward service/guildnet-proxy {settings.ports.front}:80")  # fmt: skip
    report(f"GuildNet is up: {settings.origin}")


def down(target: Target, report: Callable[[str], None]) -> None:
    """Uninstall the release. What the keep policy names stays: workspaces with their volumes, keys, CRDs."""
    built = programs.ensure(("kubectl", "helm"), report=report)
    kubectl = Kubectl(built["kubectl"], context=target.context)
    Helm(built["helm"], kubectl).uninstall()
    report(
        f"uninstalled; the namespace {WORKSPACE_NAMESPACE} with its workspaces stays (keep policy). To delete it too:"
    )
    report(f"  kubectl --context={target.context} delete namespace {WORKSPACE_NAMESPACE} {RELEASE_NAMESPACE}")


def kubectl_of(settings: Settings, target: Target, report: Callable[[str], None]) -> Kubectl:
    """kubectl for the cluster a command means. Raises LocalError when the local one does not run."""
    if target.context:
        return Kubectl(built_kubectl(report), context=target.context)
    if not settings.kubeconfig.exists():
        raise LocalError("no local cluster runs: `make up` makes one")
    return of_cluster(settings)


def token_of(kubectl: Kubectl, audience: str, account: str) -> str:
    return kubectl.token(RELEASE_NAMESPACE, account, audience=audience, hours=24)


def one_line(facts: Mapping[str, str]) -> str:
    return json.dumps(dict(facts))
