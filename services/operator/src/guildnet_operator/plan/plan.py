"""The plan of one Workspace: its spec with every default and every decision of the install filled in.

Frozen values without behaviour beyond names derived from others. `defaults` makes them, `manifests` turns them into
objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from guildnet.web.entries import Entry
from guildnet.workspace import EnvVar
from guildnet.workspace.ports import Scheme, scheme_of

ServiceType = Literal["ClusterIP", "LoadBalancer"]


@dataclass(frozen=True, slots=True)
class PodSettings:
    """The install's share of every pod template. A change of one reaches a running workspace at its next start.

    Whatever of the install gets into a pod template has its place here. The default of a field is neutral: it is what a
    record of a version without the field means, so a new field begins with what pods were like before it.
    """

    pull_secret: str = ""
    tolerate_control_plane: bool = True
    http_probe_images: tuple[str, ...] = ("code-server", "jupyterlab")
    extras: str = ""
    """Canonical JSON of the chart's `workspaces.pod` (extras.py)."""
    ca_configmap: str = ""
    """ConfigMap of the workspace namespace whose `ca.crt` workspaces trust."""
    logins: tuple[str, ...] = ()
    """What is derived from the install's key for images that ask for it: `password`, `token`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the install decides for every Workspace: the operator's share of the chart's values. "" means "not set"."""

    pod: PodSettings = PodSettings()
    load_balancer: bool = False
    load_balancer_pool: str = ""
    domain: str = ""
    direct_exposure: bool = False
    ingress_class: str = "nginx"
    issuer: str = ""
    tls_secret: str = ""
    auth_url: str = ""
    auth_signin: str = ""
    ingress_classes: tuple[str, ...] = ()
    """Classes that a Workspace may ask for besides the install's own."""
    issuers: tuple[str, ...] = ()
    """Issuers that a Workspace may ask for besides the install's own."""
    entries: tuple[Entry, ...] = ()
    """The ways into the install: their hosts are no workspace's to take."""
    network_policy: bool = False
    """Are workspaces closed by NetworkPolicies, so that one that is exposed has to be opened?"""
    ingress_controllers: tuple[str, ...] = ()
    """Namespaces that Ingress controllers run in; none: any namespace."""


@dataclass(frozen=True, slots=True)
class ServedPort:
    """One port of the container and of the Service; every port has a name here."""

    number: int
    name: str
    protocol: str = "TCP"
    preserve: bool = False

    @property
    def scheme(self) -> Scheme:
        """What to speak to it."""
        return scheme_of(self.number, self.name)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds and counts as in a Kubernetes probe."""

    period: int
    timeout: int
    failures: int
    initial: int = 0


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """How the kubelet asks whether the workspace answers, and how patiently."""

    type: Literal["http", "tcp"]
    port: int
    startup: Timing
    readiness: Timing
    liveness: Timing
    path: str = "/"
    scheme: Scheme = "http"


@dataclass(frozen=True, slots=True)
class Claim:
    """The volume claim of the workspace and where it is mounted."""

    name: str
    size: str
    mount_path: str
    storage_class: str | None = None
    retain: bool = False


@dataclass(frozen=True, slots=True)
class IngressRule:
    """An Ingress of the workspace's own, past the proxy."""

    host: str
    class_name: str
    tls_secret: str | None
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reach:
    """How the workspace is reached past the proxy; `refused` says why it is not although its spec asks for it."""

    service_type: ServiceType = "ClusterIP"
    service_annotations: Mapping[str, str] | None = None
    ingress: IngressRule | None = None
    admits: tuple[str, ...] | None = None
    """Namespaces whose pods have to be let in past the proxy; () for all of them, and with a load balancer for
    everybody; None where nothing is closed."""
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the children of one Workspace depend on, and nothing else."""

    name: str
    namespace: str
    uid: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvVar, ...]
    ports: tuple[ServedPort, ...]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    replicas: int
    probe: ProbePlan | None
    claim: Claim | None
    reach: Reach
    password_secret: str | None
    """The Secret behind its password or its token."""
    pull_secret: str | None
    tolerate_control_plane: bool
    restarted_at: str | None
    base_path: str | None
    owner: str = ""
    """Who launched it; "" where nobody is named."""
    settings: str = ""
    """The `PodSettings` that the pod template is made by, as recorded on the Deployment."""
    reserved_secrets: frozenset[str] = frozenset()
    """Secrets of the install in the namespace, which no env may refer to."""
    extras: str = ""
    ca_configmap: str = ""
    pending: tuple[str, ...] = ()
    """What the install's settings change at the next start, in words; empty where the pod is by the present ones."""

    @property
    def main_port(self) -> ServedPort:
        """Where the workspace's UI is: its first port."""
        return self.ports[0]
