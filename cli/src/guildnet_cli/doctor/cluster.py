"""What whoever has a kubeconfig can find out: by kubectl, so that the person's own login to the cluster is used."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

from guildnet_cli.doctor.finding import Finding, fault, ok, unknown

OLDEST: Final = (1, 30)
PARTS: Final = ("api", "proxy", "operator")
CRDS: Final = ("workspaces.guildnet.io", "capabilities.guildnet.io")
RIGHTS: Final = {
    "api": (("create", "workspaces.guildnet.io"), ("delete", "workspaces.guildnet.io"), ("get", "pods/log")),
    "operator": (("create", "deployments.apps"), ("create", "services"), ("patch", "workspaces.guildnet.io/status")),
    "proxy": (("list", "workspaces.guildnet.io"), ("list", "endpointslices.discovery.k8s.io")),
}
"""Of what each part may do in the namespace of workspaces, that without which it is of no use."""
ENFORCERS: Final = (
    "calico", "canal", "cilium", "anetd", "antrea", "kube-router", "weave", "ovn", "azure-npm", "kindnet",
    "aws-eks-nodeagent",
)  # fmt: skip
_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"


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


def checks(kubectl: Kubectl, namespace: str = "") -> Iterator[Finding]:
    """Ends after the API server where that does not answer."""
    server = api_server(kubectl)
    yield server
    if server.state == "fault":
        return
    try:
        yield crds(kubectl)
        found = parts(kubectl, namespace)
        yield from programs(found)
        operator = found.get("operator")
        if operator is None:
            return
        workspaces = operator.env.get("K8S_NAMESPACE", operator.namespace)
        yield from rights(kubectl, found, workspaces)
        yield tailnet(kubectl, found)
        yield storage(kubectl)
        yield policies(kubectl, workspaces)
        yield enforced(kubectl)
        yield certificates(kubectl, operator.namespace)
    except KubectlError as error:
        yield unknown("cluster", f"kubectl: {error}", "ask with a kubeconfig that may read the install")


def _items(kubectl: Kubectl, *arguments: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(kubectl.text("get", *arguments, "--ignore-not-found", "-o", "json") or "{}")
    except ValueError:
        raise KubectlError("an answer that is not JSON") from None
    items: list[dict[str, Any]] = document.get("items", [document] if document else [])
    return items


def api_server(kubectl: Kubectl) -> Finding:
    try:
        version = json.loads(kubectl.text("version", "-o", "json"))["serverVersion"]
        number = int(version["major"]), int(version["minor"].rstrip("+"))
    except KubectlError as error:
        fix = "install kubectl" if "PATH" in str(error) else "is this the right kubeconfig, and its login valid?"
        return fault("api-server", f"kubectl: {error}", fix)
    except (ValueError, KeyError):
        return fault("api-server", "kubectl does not say which version it is", "kubectl version")
    text = f"Kubernetes {number[0]}.{number[1]}"
    if number < OLDEST:
        return fault("api-server", f"{text} is too old", f"upgrade the cluster to {OLDEST[0]}.{OLDEST[1]} or newer")
    return ok("api-server", text)


def crds(kubectl: Kubectl) -> Finding:
    found = {one["metadata"]["name"]: one for one in _items(kubectl, "customresourcedefinitions", *CRDS)}
    fix = "helm upgrade with crds.enabled=true, or kubectl apply -f crds/"
    if missing := [name for name in CRDS if name not in found]:
        return fault("kinds", f"not there: {', '.join(missing)}", fix)
    if unready := [name for name, one in found.items() if not _is(one, "Established")]:
        return fault("kinds", f"not established: {', '.join(unready)}", "kubectl describe crd of that name says why")
    return ok("kinds", "Workspace and Capability are there")


def _is(item: dict[str, Any], condition: str) -> bool:
    held = item.get("status", {}).get("conditions", [])
    return any(one["type"] == condition and one["status"] == "True" for one in held)


def parts(kubectl: Kubectl, namespace: str) -> dict[str, Part]:
    """By component. Where there are several installs and no namespace is named, those of the first operator."""
    where = ("-n", namespace) if namespace else ("-A",)
    listed = _items(kubectl, "deployments", *where, "-l", "app.kubernetes.io/part-of=guildnet")
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


def programs(found: dict[str, Part]) -> Iterator[Finding]:
    for name in (*PARTS, *(["valkey"] if "valkey" in found else [])):
        part = found.get(name)
        if part is None:
            yield fault(name, "is not installed", "helm upgrade --install guildnet charts/guildnet; or --namespace NS")
        elif part.ready < max(part.wanted, 1):
            fix = f"kubectl -n {part.namespace} describe pods -l app.kubernetes.io/component={name}"
            yield fault(name, f"{part.ready} of {max(part.wanted, 1)} pods are available", fix)
        else:
            yield ok(name, f"{part.ready} of {part.wanted} pods are available")


def rights(kubectl: Kubectl, found: dict[str, Part], namespace: str) -> Iterator[Finding]:
    for name, wanted in RIGHTS.items():
        part = found.get(name)
        if part is None:
            continue
        account = f"system:serviceaccount:{part.namespace}:{part.account}"
        lacking = [f"{verb} {what}" for verb, what in wanted if not _may(kubectl, account, namespace, verb, what)]
        if lacking:
            says = f"the {name}'s account may not: {', '.join(lacking)}"
            yield fault(f"rights/{name}", says, "helm upgrade restores the chart's roles")
        else:
            yield ok(f"rights/{name}", f"the {name}'s account has its rights in {namespace}")


def _may(kubectl: Kubectl, account: str, namespace: str, verb: str, what: str) -> bool:
    resource, _, sub = what.partition("/")
    more = [f"--subresource={sub}"] if sub else []
    try:
        answer = kubectl.text("auth", "can-i", verb, resource, *more, f"--as={account}", "-n", namespace)
    except KubectlError as error:
        # "no" is told by an exit status of 1, too.
        if str(error).partition(" ")[0].rstrip("-") == "no":
            return False
        raise
    return answer.strip().startswith("yes")


def tailnet(kubectl: Kubectl, found: dict[str, Part]) -> Finding:
    proxy = found.get("proxy")
    if proxy is None or "tailscale" not in proxy.containers:
        return unknown("tailnet", "this install has no tailnet entry")
    maps = _items(kubectl, "configmaps", "-n", proxy.namespace, "-l", "app.kubernetes.io/part-of=guildnet")
    names = [name for one in maps if (name := (one.get("data") or {}).get("tailnet"))]
    if not names:
        fix = f"kubectl -n {proxy.namespace} logs deploy/{proxy.name} -c tailscale   (auth key, MagicDNS, HTTPS)"
        return fault("tailnet", "the sidecar has no name on the tailnet yet", fix)
    return ok("tailnet", f"its name is {names[0]}")


def storage(kubectl: Kubectl) -> Finding:
    classes = _items(kubectl, "storageclasses")
    default = [
        one["metadata"]["name"]
        for one in classes
        if one["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true"
    ]
    if default:
        return ok("storage", f"default class: {', '.join(default)}")
    if not classes:
        return fault(
            "storage", "there is no storage class: workspaces keep no files", "install a provisioner of volumes"
        )
    first = classes[0]["metadata"]["name"]
    return fault(
        "storage", "no storage class is the default", f"kubectl annotate storageclass {first} {_DEFAULT_CLASS}=true"
    )


def policies(kubectl: Kubectl, namespace: str) -> Finding:
    found = _items(kubectl, "networkpolicies", "-n", namespace)
    if not found:
        fix = "helm upgrade with workspaces.networkPolicy.enabled=true"
        return fault("network-policy", f"none in {namespace}: workspaces reach each other", fix)
    return ok("network-policy", f"{len(found)} in {namespace}")


def enforced(kubectl: Kubectl) -> Finding:
    """By the programs known to do so: the API server takes a NetworkPolicy whether or not anybody enforces it."""
    sets = _items(kubectl, "daemonsets", "-A")
    names = [
        text
        for one in sets
        for text in (one["metadata"]["name"], *(c["name"] for c in one["spec"]["template"]["spec"]["containers"]))
    ]
    known = next((text for text in names if any(word in text for word in ENFORCERS)), None)
    if known is None:
        fix = "use a CNI that does (Calico, Cilium, kube-router, …), or trust every workspace with every other"
        return unknown("network-enforced", "no program known to enforce NetworkPolicies runs", fix)
    return ok("network-enforced", f"by {known}")


def certificates(kubectl: Kubectl, namespace: str) -> Finding:
    """Whether the Secrets are there that Ingresses name."""
    wanted = {
        tls["secretName"]
        for one in _items(kubectl, "ingresses", "-n", namespace)
        for tls in one["spec"].get("tls", ())
        if tls.get("secretName")
    }
    if not wanted:
        return unknown("ingress-certificate", "no Ingress of this install names one")
    listed = kubectl.text("get", "secrets", "-n", namespace, "-o", "name").split()
    missing = sorted(wanted - {line.removeprefix("secret/") for line in listed})
    if missing:
        fix = f"kubectl -n {namespace} get certificates,challenges   (cert-manager), or make the Secret"
        return fault("ingress-certificate", f"not there: Secret {', '.join(missing)}", fix)
    return ok("ingress-certificate", f"Secret {', '.join(sorted(wanted))} is there")
