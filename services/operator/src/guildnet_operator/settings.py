"""Settings of the operator, read from the environment once.

The names are the first generation's where it had one; each is reachable from a chart value.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from guildnet import settings as shared
from guildnet.web.entries import EntrySettings
from guildnet.workspace import app_login
from guildnet_operator.plan import extras
from guildnet_operator.plan.plan import Plan, PodSettings, Policy
from guildnet_operator.watch.caches import Watched


class Settings(EntrySettings):
    """The operator's settings on top of the common ones."""

    workspace_lb: bool = Field(default=False, description="Give every workspace a LoadBalancer Service.")
    workspace_lb_pool: str = Field(default="", description="MetalLB address pool of those Services.")
    workspace_domain: str = Field(default="", description="Base domain of an Ingress for every workspace.")
    direct_exposure: bool = Field(
        default=False, description="Consent to workspaces that ask for a LoadBalancer or an Ingress past the proxy."
    )
    ingress_class_name: str = Field(default="nginx", description="Ingress class of workspace Ingresses.")
    cert_manager_issuer: str = Field(default="", description="cert-manager ClusterIssuer of workspace Ingresses.")
    workspace_tls_secret: shared.SecretReference = Field(
        default="", description="TLS Secret shared by the workspace Ingresses."
    )
    ingress_auth_url: str = Field(default="", description="ingress-nginx auth-url annotation.")
    ingress_auth_signin: str = Field(default="", description="ingress-nginx auth-signin annotation.")
    ingress_class_names: shared.CommaList = Field(
        default=(), description="Ingress classes that a Workspace may ask for besides the install's own."
    )
    cert_manager_issuers: shared.CommaList = Field(
        default=(), description="ClusterIssuers that a Workspace may ask for besides the install's own."
    )
    workspace_network_policy: bool = Field(
        default=False,
        description="Workspaces are closed by NetworkPolicies: open those that are exposed, and only them.",
    )
    ingress_controller_namespaces: shared.CommaList = Field(
        default=(), description="Namespaces that Ingress controllers run in; empty for any namespace."
    )
    k8s_image_pull_secret: shared.SecretReference = Field(
        default="", description="imagePullSecret of every workspace pod."
    )
    agent_default_password: SecretStr = Field(
        default=SecretStr(""), description="PASSWORD of code-server workspaces; empty: one of its own for each."
    )
    workspace_key_file: str = Field(
        default="",
        description="File with the key that passwords and tokens of workspaces are derived from, at least 32 bytes; "
        "without one passwords are random, and there are no tokens.",
    )
    tolerate_control_plane: bool = Field(default=True, description="Let workspaces run on control-plane nodes.")
    http_probe_images: shared.CommaList = Field(
        default=("code-server", "jupyterlab"),
        description="An image whose repository holds one of these words is probed by HTTP GET, any other by TCP.",
    )
    workspace_pod: Annotated[str, AfterValidator(extras.canonical)] = Field(
        default="", description="What every workspace's pod has besides, as JSON of the chart's `workspaces.pod`."
    )
    workspace_ca_configmap: str = Field(
        default="", description="ConfigMap of the workspace namespace whose `ca.crt` workspaces trust."
    )
    cluster_domain: str = Field(default="cluster.local", description="DNS domain of the cluster.")
    entries_configmap: str = Field(
        default="guildnet-entries", description="ConfigMap in which the proxy publishes its tailnet name."
    )
    ports_configmap: str = Field(default="guildnet-ports", description="ConfigMap that holds the port counter.")
    lease_name: str = Field(
        default="guildnet-operator", description="Lease in the release namespace that makes one operator the writer."
    )
    lease_identity: str = Field(
        default="", description="Who this process is in the Lease, in the chart its pod's name; empty makes one up."
    )
    lease_seconds: int = Field(
        default=15, ge=3, le=600, description="Seconds after which the Lease of an operator that died is another's."
    )
    port_base: int = Field(default=20000, ge=1024, le=65000, description="First port of workspace origins.")
    reconcile_workers: int = Field(default=8, ge=1, le=64, description="Workspaces reconciled at the same time.")

    def login(self) -> Callable[[Plan], Mapping[str, str]]:
        """What makes the content of the Secret that a plan names. Derived from the key where there is one; else the
        install's own password, or a new one each time."""
        fixed = self.agent_default_password.get_secret_value()
        key = app_login.key_of(self.workspace_key_file)

        def made(plan: Plan) -> Mapping[str, str]:
            if key is None or plan.password_secret != app_login.secret_name(plan.name):
                return {app_login.PASSWORD_KEY: fixed or secrets.token_urlsafe(18)}
            if any(item.name == app_login.TOKEN_ENV for item in plan.env):
                return {app_login.TOKEN_KEY: app_login.token(key, plan.uid)}
            return {app_login.PASSWORD_KEY: app_login.password(key, plan.uid)}

        return made

    def logins(self) -> tuple[str, ...]:
        """What is derived from the key; a password of the install's own is nobody's secret."""
        if app_login.key_of(self.workspace_key_file) is None:
            return ()
        own = bool(self.agent_default_password.get_secret_value())
        return (app_login.TOKEN_KEY,) if own else (app_login.PASSWORD_KEY, app_login.TOKEN_KEY)

    def policy(self) -> Policy:
        return Policy(
            pod=PodSettings(
                pull_secret=self.k8s_image_pull_secret,
                tolerate_control_plane=self.tolerate_control_plane,
                http_probe_images=self.http_probe_images,
                extras=self.workspace_pod,
                ca_configmap=self.workspace_ca_configmap,
                logins=self.logins(),
            ),
            load_balancer=self.workspace_lb,
            load_balancer_pool=self.workspace_lb_pool,
            domain=self.workspace_domain,
            direct_exposure=self.direct_exposure,
            ingress_class=self.ingress_class_name or "nginx",
            issuer=self.cert_manager_issuer,
            tls_secret=self.workspace_tls_secret,
            auth_url=self.ingress_auth_url,
            auth_signin=self.ingress_auth_signin,
            ingress_classes=self.ingress_class_names,
            issuers=self.cert_manager_issuers,
            entries=self.entries(None),
            network_policy=self.workspace_network_policy,
            ingress_controllers=self.ingress_controller_namespaces,
        )

    def watched(self) -> Watched:
        """Where what the operator watches is."""
        return Watched(self.k8s_namespace, self.release_namespace, self.entries_configmap, self.kubeconfig)
