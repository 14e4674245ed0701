"""GuildNet on a cluster the user has: nothing but the chart goes there, and nothing is made on this machine.

Images have to come from a registry that the cluster can pull from and that the user names; there is no guessing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from guildnet_local.build import programs
from guildnet_local.cluster.bootstrap import of_cluster
from guildnet_local.cluster.kubectl import Kubectl, built_kubectl
from guildnet_local.machine.steps import Clock
from guildnet_local.release import rollout
from guildnet_local.release.helm import Helm
from guildnet_local.release.values import context_values
from guildnet_local.settings import RELEASE_NAMESPACE, WORKSPACE_NAMESPACE, LocalError, Settings

# The cluster that `CLUSTER=kind` makes, and the context by which kind writes it into the kubeconfig.
KIND_CLUSTER = "guildnet"
KIND_CONTEXT = f"kind-{KIND_CLUSTER}"


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


def registry(environ: Mapping[str, str]) -> str:
    """The registry of the images. Raises LocalError when the user named none."""
    named = environ.get("IMAGE_REGISTRY", "").rstrip("/")
    if not named:
        raise LocalError(
            "a cluster of yours has to pull the images from somewhere: push them to a registry it can reach and name "
            "it, for example make up CLUSTER=context:NAME IMAGE_REGISTRY=registry.example.com/team "
            "(it has to hold guildnet/api, guildnet/proxy, … tagged with the chart's appVersion)"
        )
    return named


def example(manifest: str, where: str) -> str:
    """The example with its image taken from the registry `where`."""
    parsed = yaml.safe_load(manifest)
    image = parsed["spec"]["image"]
    if image.startswith("guildnet/"):
        parsed["spec"]["image"] = f"{where}/{image}"
    return yaml.safe_dump(parsed, sort_keys=False)


def up(settings: Settings, target: Target, environ: Mapping[str, str], report: Callable[[str], None]) -> None:
    """Install the chart in the user's context, launch the example, wait for it."""
    where = registry(environ)
    manifest = example((settings.checkout / rollout.EXAMPLE).read_text(), where)
    install(settings, target, context_values(where, settings.origin), manifest, Clock(report))


def install(settings: Settings, target: Target, values: Mapping[str, Any], manifest: str, clock: Clock) -> None:
    """Install the chart with these values in a context, launch the manifest's workspace, say what to do next."""
    report = clock.report
    built = programs.ensure(("kubectl", "helm"), report=clock.say)
    kubectl = Kubectl(built["kubectl"], context=target.context)
    known = kubectl("config", "get-contexts", "--output=name").split()
    if target.context not in known:
        raise LocalError(f"no context {target.context!r} in the kubeconfig; there are: {', '.join(known) or 'none'}")
    kubectl("version", "--output=json", "--request-timeout=10s")
    clock.say(f"using the cluster of context {target.context}")
    release = Helm(built["helm"], kubectl)
    clock.say(f"chart: {release.upgrade(settings.chart, values)}")
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
