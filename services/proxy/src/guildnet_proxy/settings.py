"""The proxy's settings, by their names in the environment."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from guildnet.settings import CommaList
from guildnet.web.entries import PLAIN_HTTP, EntrySettings, is_trustworthy, normalised_origin
from guildnet_proxy.auth.identity_proxy import IdentityProxy, Trusted
from guildnet_proxy.frontdoor.egress import parse_allowed, parse_networks
from guildnet_proxy.http.message.fields import claims_identity


class Settings(EntrySettings):
    """Every field is one environment variable, its name in capitals."""

    listen_local: str = Field(
        default="0.0.0.0:8080", description="Address of the plain listener (local and domain entry)."
    )
    processes: int = Field(
        default=1,
        ge=0,
        le=64,
        description="Processes that serve at one port; 0 is one for each whole CPU of the container's limit, at least "
        "one. Each takes its part of the bounds.",
    )
    ops_host: str = Field(
        default="0.0.0.0",
        min_length=1,
        description="Address of the ops listener; the chart gives the pod's own, since the sidecar lets tailnet peers "
        "reach the pod's loopback.",
    )
    api_url: str = Field(default="http://guildnet-api:8080", description="Where the api and the UI's files are.")
    identity_key_file: str = Field(
        default="/etc/guildnet/keys/identity", description="File with the install's key, at least 32 bytes."
    )
    workspace_key_file: str = Field(
        default="",
        description="File with the key that passwords and tokens of workspaces are derived from; without one the proxy "
        "logs nobody in to them.",
    )
    tailnet_socket: str = Field(
        default="", description="The proxy's private listener for the sidecar, a unix socket; empty for no tailnet."
    )
    tailscaled_socket: str = Field(default="", description="The sidecar's LocalAPI socket.")
    tailnet_certificate: str = Field(
        default="", description="Folder with tls.crt and tls.key for TAILNET_TLS=own, read again when they change."
    )
    serve_file: str = Field(default="", description="The serve file rendered for the sidecar.")
    entries_configmap: str = Field(
        default="guildnet-entries", description="ConfigMap that gets the tailnet's name and the ports asked for."
    )
    last_known_file: str = Field(
        default="",
        description="File that keeps what was known of the cluster, for a start while the API server is down; empty "
        "for none.",
    )
    last_known_seconds: float = Field(
        default=3600.0,
        ge=0,
        description="Seconds after its last confirmation that this is still used, each answer marked X-Guildnet-Stale.",
    )
    token_audience: str = Field(default="guildnet", min_length=1, description="Audience a bearer token has to name.")
    admin_service_account: str = Field(
        default="guildnet:guildnet-admin",
        pattern=r"^[^:]+:[^:]+$",
        description="Account (namespace:name) with every right by a built-in rule.",
    )
    allowed_targets: CommaList = Field(
        default=(), description="Targets beyond workspaces, as CIDR:port, comma-separated."
    )
    denied_hosts: CommaList = Field(
        default=(),
        description="Hosts (names or addresses) that are never a target beside the install's own pods and Services, "
        "the API server and the nodes: an external Redis, for example. Names are resolved every 30 s.",
    )
    pod_networks: CommaList = Field(
        default=(),
        description="CIDRs of the cluster's pods that are in ranges never a target otherwise, such as 100.64.0.0/16.",
    )
    frontend_origin: str = Field(default="", description="One more origin whose pages may use the api (CORS).")
    ui_dev_origin: str = Field(default="", description="A development server for the UI's files, instead of the api.")
    access_default: Literal["open", "owner", "closed"] = Field(
        default="open", description="What is allowed while there is no Capability."
    )
    proxy_transport: Literal["pod", "api-server"] = Field(
        default="pod",
        description="How workspaces are reached: by their pods' addresses, or by the API server's port forwarding.",
    )
    hostapp_disable_api_proxy: bool = Field(
        default=False, description="First-generation switch: true means PROXY_TRANSPORT=pod, whatever that says."
    )
    pod_ip: str = Field(default="", description="This pod's own address, which is never a target.")
    kubernetes_service_host: str = Field(
        default="", description="The API server's Service address (the kubelet sets it), which is never a target."
    )
    cluster_domain: str = Field(default="cluster.local", description="DNS domain of the cluster.")
    path_trusted: bool = Field(
        default=False, description="Serve pages of the path form to browsers: workspaces then share the UI's origin."
    )
    first_byte_seconds: float = Field(
        default=60.0, gt=0, description="Seconds a workspace may take to begin its answer."
    )
    drain_delay_seconds: float = Field(
        default=0.0, ge=0, description="Seconds at shut-down not ready but still listening, until endpoints are gone."
    )
    drain_seconds: float = Field(
        default=5.0,
        ge=0,
        description="Seconds at shut-down that requests and WebSockets live on; the latter then get a 1001.",
    )
    streams_per_workspace: int = Field(default=512, gt=0, description="Simultaneous requests of one workspace.")
    requests_per_identity: int = Field(
        default=1024, gt=0, description="Simultaneous requests of one caller, those to the api among them."
    )
    upgrades_per_identity: int = Field(
        default=1024, gt=0, description="Upgraded connections (WebSockets) of one caller at once."
    )
    access_log: bool = Field(default=True, description="Write one line for every request.")
    upstream_ca_file: str = Field(default="", description="CA bundle for allowed targets that speak https.")
    cross_site: bool = Field(
        default=False, description="The UI frames workspaces cross-site: their cookies get SameSite=None; Partitioned."
    )

    identity_proxy_listen: str = Field(
        default="",
        description="Address (host:port) of the listener for an authenticating proxy, whose fields say who a request "
        "is from; empty for none. It needs IDENTITY_PROXY_FROM or IDENTITY_PROXY_TLS.",
    )
    identity_proxy_from: CommaList = Field(
        default=(), description="CIDRs of the authenticating proxy; connections from elsewhere are closed."
    )
    identity_proxy_tls: str = Field(
        default="",
        description="Folder with tls.crt, tls.key and ca.crt: the listener speaks TLS, and takes clients with a "
        "certificate of that authority alone.",
    )
    identity_proxy_names: CommaList = Field(
        default=(), description="DNS names or URIs, one of which the client's certificate is for; empty for any."
    )
    identity_proxy_user_header: str = Field(
        default="X-Forwarded-Email", description="Field that names the caller; it must be one that clients cannot set."
    )
    identity_proxy_name_header: str = Field(
        default="X-Forwarded-Preferred-Username", description="Field with the name to show; empty for none."
    )
    identity_proxy_groups_header: str = Field(
        default="X-Forwarded-Groups", description="Field with the caller's groups, comma-separated; empty for none."
    )
    identity_proxy_admin_groups: CommaList = Field(default=(), description="Groups whose members have the role admin.")

    @field_validator("identity_proxy_user_header", "identity_proxy_name_header", "identity_proxy_groups_header")
    @classmethod
    def _claim(cls, value: str) -> str:
        if value and not claims_identity(value.lower().encode()):
            raise ValueError("a field that says who somebody is begins as those do that clients cannot set: "
                             "X-Forwarded-, X-Auth-Request-, X-Pomerium-, X-Webauth- or Remote-")  # fmt: skip
        return value

    @field_validator("identity_proxy_from")
    @classmethod
    def _peers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_networks(value)
        return value

    @field_validator("allowed_targets")
    @classmethod
    def _targets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_allowed(value)
        return value

    @field_validator("pod_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_networks(value)
        return value

    @field_validator("frontend_origin", "ui_dev_origin")
    @classmethod
    def _origin(cls, value: str) -> str:
        return normalised_origin(value)

    @field_validator("listen_local", "identity_proxy_listen")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name != "listen_local":
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not port.isdigit() or int(port) > 65535:
            raise ValueError("an address to listen on is host:port")
        return value if host else f"0.0.0.0:{port}"

    @property
    def by_api_server(self) -> bool:
        """Are workspaces reached through the API server?"""
        return self.proxy_transport == "api-server" and not self.hostapp_disable_api_proxy

    @property
    def has_tailnet(self) -> bool:
        return bool(self.tailnet_socket) or self.tailnet_tls != "serve"

    @property
    def identity_proxy(self) -> IdentityProxy | None:
        """What the fields of an authenticating proxy are called; None where there is none."""
        if not self.identity_proxy_listen:
            return None
        return IdentityProxy(
            self.identity_proxy_user_header.lower().encode(),
            self.identity_proxy_name_header.lower().encode(),
            self.identity_proxy_groups_header.lower().encode(),
            frozenset(self.identity_proxy_admin_groups),
        )

    @property
    def identity_proxy_trusted(self) -> Trusted:
        """Whose connections its listener takes."""
        networks = parse_networks(self.identity_proxy_from)
        return Trusted(networks, frozenset(self.identity_proxy_names), self.identity_proxy_tls)

    @model_validator(mode="after")
    def _together(self) -> Any:
        if self.tailnet_socket and not (self.tailscaled_socket and self.serve_file):
            raise ValueError("TAILNET_SOCKET needs TAILSCALED_SOCKET and SERVE_FILE")
        if self.tailnet_socket and self.tailnet_tls != "serve":
            raise ValueError("TAILNET_SOCKET is for TAILNET_TLS=serve; leave it out")
        if self.tailnet_tls != "serve" and not self.tailscaled_socket:
            raise ValueError(f"TAILNET_TLS={self.tailnet_tls} needs TAILSCALED_SOCKET, to ask whose a connection is")
        if self.tailnet_tls == "own" and not self.tailnet_certificate:
            raise ValueError("TAILNET_TLS=own needs TAILNET_CERTIFICATE")
        if not (self.has_tailnet or self.local_origin or self.domain_origin):
            raise ValueError("no entry is configured: set TAILNET_SOCKET, LOCAL_ORIGIN or DOMAIN_ORIGIN")
        if self.frontend_origin.startswith("http:") and not is_trustworthy(self.frontend_origin):
            raise ValueError(f"FRONTEND_ORIGIN {PLAIN_HTTP}")
        return self

    @model_validator(mode="after")
    def _identity_proxy(self) -> Any:
        if not self.identity_proxy_listen:
            return self
        if not (self.identity_proxy_from or self.identity_proxy_tls):
            raise ValueError(
                "IDENTITY_PROXY_LISTEN needs IDENTITY_PROXY_FROM or IDENTITY_PROXY_TLS: else anybody could be anybody"
            )
        if self.identity_proxy_names and not self.identity_proxy_tls:
            raise ValueError("IDENTITY_PROXY_NAMES are of certificates: set IDENTITY_PROXY_TLS")
        if not self.identity_proxy_user_header:
            raise ValueError("IDENTITY_PROXY_LISTEN needs IDENTITY_PROXY_USER_HEADER")
        if not (self.local_origin or self.domain_origin):
            raise ValueError("IDENTITY_PROXY_LISTEN is for the domain and the local entry: set DOMAIN_ORIGIN")
        return self
