"""What whoever has a kubeconfig can find out: by kubectl, so that the person's own login to the cluster is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from guildnet_cli.doctor.finding import Finding, fault, ok, unknown
from guildnet_cli.reach.kubectl import Kubectl, KubectlError, Part, items, parts

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
    found = {one["metadata"]["name"]: one for one in items(kubectl, "customresourcedefinitions", *CRDS)}
    fix = "helm upgrade with crds.enabled=true, or kubectl apply -f crds/"
    if missing := [name for name in CRDS if name not in found]:
        return fault("kinds", f"not there: {', '.join(missing)}", fix)
    if unready := [name for name, one in found.items() if not _is(one, "Established")]:
        return fault("kinds", f"not established: {', '.join(unready)}", "kubectl describe crd of that name says why")
    return ok("kinds", "Workspace and Capability are there")


def _is(item: dict[str, Any], condition: str) -> bool:
    held = item.get("status", {}).get("conditions", [])
    return any(one["type"] == condition and one["status"] == "True" for one in held)


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
    maps = items(kubectl, "configmaps", "-n", proxy.namespace, "-l", "app.kubernetes.io/part-of=guildnet")
    names = [name for one in maps if (name := (one.get("data") or {}).get("tailnet"))]
    if not names:
        fix = f"kubectl -n {proxy.namespace} logs deploy/{proxy.name} -c tailscale   (auth key, MagicDNS, HTTPS)"
        return fault("tailnet", "the sidecar has no name on the tailnet yet", fix)
    return ok("tailnet", f"its name is {names[0]}")


def storage(kubectl: Kubectl) -> Finding:
    classes = items(kubectl, "storageclasses")
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
    found = items(kubectl, "networkpolicies", "-n", namespace)
    if not found:
        fix = "helm upgrade with workspaces.networkPolicy.enabled=true"
        return fault("network-policy", f"none in {namespace}: workspaces reach each other", fix)
    return ok("network-policy", f"{len(found)} in {namespace}")


def enforced(kubectl: Kubectl) -> Finding:
    """By the programs known to do so: the API server takes a NetworkPolicy whether or not anybody enforces it."""
    sets = items(kubectl, "daemonsets", "-A")
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
        for one in items(kubectl, "ingresses", "-n", namespace)
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
