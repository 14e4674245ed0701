"""Exposure: how a workspace is reached past the proxy, or why it is not. Pure.

What goes past the proxy needs the install's consent. A request is met as it was made or refused with the reason, never
replaced by another one: whoever asks for a load balancer gets no Ingress.
"""

from __future__ import annotations

import re
from typing import Final

from guildnet.workspace import Exposure
from guildnet_operator.plan.plan import IngressRule, Policy, Reach

METALLB_POOL: Final = "metallb.io/address-pool"
CERT_MANAGER_ISSUER: Final = "cert-manager.io/cluster-issuer"
NGINX_AUTH_URL: Final = "nginx.ingress.kubernetes.io/auth-url"
NGINX_AUTH_SIGNIN: Final = "nginx.ingress.kubernetes.io/auth-signin"
_ORIGIN_LABEL: Final = re.compile(r"[a-z0-9-]+-[0-9a-f]{8}")
"""The first label of a workspace's own origin; see `guildnet.names.origin_label`."""


def reach(name: str, exposure: Exposure | None, policy: Policy) -> Reach:
    """What the spec asks for; where it says nothing, what the install gives every workspace."""
    wanted = exposure.type if exposure else _given_to_all(policy)
    if wanted == "ClusterIP":
        return Reach()
    consent = {"LoadBalancer": policy.load_balancer, "Ingress": bool(policy.domain)}[wanted]
    if not (consent or policy.direct_exposure):
        way = "an administrator can allow it (workspaces.directExposure)"
        return Reach(refused=f"exposure {wanted} is not allowed by this install: {way}")
    return _load_balancer(policy) if wanted == "LoadBalancer" else _ingress(name, exposure or Exposure(), policy)


def _given_to_all(policy: Policy) -> str:
    if policy.load_balancer:
        return "LoadBalancer"
    return "Ingress" if policy.domain else "ClusterIP"


def _load_balancer(policy: Policy) -> Reach:
    pool = {METALLB_POOL: policy.load_balancer_pool} if policy.load_balancer_pool else None
    # Behind most load balancers the client's address is one of a node: whose it is cannot be told apart.
    return Reach("LoadBalancer", service_annotations=pool, admits=() if policy.network_policy else None)


def _ingress(name: str, asked: Exposure, policy: Policy) -> Reach:
    domain = asked.domain or policy.domain
    refused = _domain_refused(name, domain, policy) or _not_listed(asked, policy)
    if refused:
        return Reach(refused=refused)
    # An issuer that is asked for signs a certificate of its own; the install's shared one is for those that ask none.
    issuer = asked.tls_issuer or ("" if policy.tls_secret else policy.issuer)
    annotations = {
        CERT_MANAGER_ISSUER: issuer,
        NGINX_AUTH_URL: policy.auth_url,
        NGINX_AUTH_SIGNIN: policy.auth_signin,
    }
    rule = IngressRule(
        host=f"{name}.{domain}",
        class_name=asked.ingress_class or policy.ingress_class,
        tls_secret=f"workspace-{name}-tls" if issuer else policy.tls_secret or None,
        annotations={key: value for key, value in annotations.items() if value},
    )
    return Reach(ingress=rule, admits=policy.ingress_controllers if policy.network_policy else None)


def _domain_refused(name: str, domain: str, policy: Policy) -> str | None:
    if not domain:
        return "exposure Ingress needs a domain: set spec.exposure.domain"
    if policy.domain and domain != policy.domain and not domain.endswith(f".{policy.domain}"):
        # Any other host could be the one of a stranger.
        return f"domain {domain} is not below this install's domain {policy.domain}: use one that is"
    host = f"{name}.{domain}"
    for entry in policy.entries:
        if host == entry.host or (domain == entry.host and entry.mode == "host"):
            # An exact host goes before the wildcard of the entry: it would get that page's cookies.
            return f"host {host} is this install's own or may be another workspace's: use another domain"
        label, dot, parent = domain.partition(f".{entry.host}")
        if dot and not parent and _ORIGIN_LABEL.fullmatch(label.rpartition(".")[2]):
            return f"domain {domain} is below the origin of a workspace: use another domain"
    return None


def _not_listed(asked: Exposure, policy: Policy) -> str | None:
    """Another class may be served by a controller that knows nothing of the install's authentication."""
    classes, issuers = {policy.ingress_class, *policy.ingress_classes}, {policy.issuer, *policy.issuers}
    if asked.ingress_class and asked.ingress_class not in classes:
        return f"ingress class {asked.ingress_class} is not one of this install's: {_listed(classes)}"
    if asked.tls_issuer and asked.tls_issuer not in issuers:
        return f"issuer {asked.tls_issuer} is not one of this install's: {_listed(issuers)}"
    return None


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names - {""})) or "it has none"
