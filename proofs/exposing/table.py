"""The table of exposure: installs, requests, and what each one has to become.

A unit test reads it by the pure plan, `show-exposure` by what an operator makes of it on a real API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ORIGIN: Final = "https://guildnet.example.com"
INSTALLS: Final[Mapping[str, Mapping[str, Any]]] = {
    "no consent": {},
    "consent": {"direct_exposure": True},
    "consent, local alone": {"direct_exposure": True, "domain_origin": ""},
    "load balancers for all": {"workspace_lb": True, "workspace_lb_pool": "blue"},
    "a domain for all": {
        "workspace_domain": "apps.example.com",
        "ingress_class_name": "public",
        "ingress_class_names": ("intern",),
        "cert_manager_issuer": "letsencrypt",
        "cert_manager_issuers": ("staging",),
        "ingress_auth_url": "https://auth.example.com",
    },
    "a certificate for all": {
        "workspace_domain": "apps.example.com",
        "workspace_tls_secret": "wildcard",
        "cert_manager_issuer": "letsencrypt",
    },
    "everything": {"direct_exposure": True, "workspace_lb": True, "workspace_domain": "apps.example.com"},
}
"""Name → settings of the operator besides those that all have."""
ALL_HAVE: Final[Mapping[str, Any]] = {
    "local_origin": "http://guildnet.localhost:8080",
    "domain_origin": ORIGIN,
    "workspace_network_policy": True,
    "ingress_controller_namespaces": ("ingress-nginx",),
}


@dataclass(frozen=True, slots=True)
class Exposed:
    """What a workspace becomes: its Service's type, its Ingress' host, class, issuer and TLS Secret."""

    service: str = "ClusterIP"
    host: str | None = None
    class_name: str | None = None
    issuer: str | None = None
    tls_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One request. `refused`: words of the condition; `invalid`: words of the API server's own refusal."""

    install: str
    name: str
    exposure: Mapping[str, Any] | None
    exposed: Exposed = Exposed()
    refused: str | None = None
    invalid: str | None = None


def _ingress(host: str, class_name: str = "nginx", issuer: str | None = None, tls_secret: str | None = None) -> Exposed:
    return Exposed("ClusterIP", host, class_name, issuer, tls_secret)


LB: Final = Exposed("LoadBalancer")
ASK_LB: Final = {"type": "LoadBalancer"}
ASK: Final = {"type": "Ingress"}
PROXY: Final = {"type": "ClusterIP"}
OWN: Final = "own or may be another workspace's"
BELOW: Final = "is below the origin of a workspace"
NOT_ALLOWED: Final = "is not allowed by this install"
NOT_BELOW: Final = "is not below this install's domain"

ROWS: Final[tuple[Row, ...]] = (
    # Without consent nothing goes past the proxy.
    Row("no consent", "a1", None),
    Row("no consent", "a2", PROXY),
    Row("no consent", "a3", ASK_LB, refused=NOT_ALLOWED),
    Row("no consent", "a4", ASK, refused=NOT_ALLOWED),
    Row("no consent", "a5", {**ASK, "domain": "d.example.net"}, refused=NOT_ALLOWED),
    Row("no consent", "a6", {**ASK, "domain": "guildnet.example.com"}, refused=NOT_ALLOWED),
    # With consent a request is met, but for the hosts of the install and of other workspaces.
    Row("consent", "b1", None),
    Row("consent", "b2", PROXY),
    Row("consent", "b3", ASK_LB, LB),
    Row("consent", "b4", ASK, refused="needs a domain"),
    Row("consent", "b5", {**ASK, "domain": "d.example.net"}, _ingress("b5.d.example.net")),
    Row("consent", "b6", {**ASK, "domain": "d.example.net", "ingressClass": "nginx"}, _ingress("b6.d.example.net")),
    Row("consent", "b7", {**ASK, "domain": "d.example.net", "ingressClass": "traefik"}, refused="traefik is not one"),
    Row("consent", "b8", {**ASK, "domain": "d.example.net", "tlsIssuer": "letsencrypt"}, refused="it has none"),
    Row("consent", "guildnet", {**ASK, "domain": "example.com"}, refused=OWN),
    Row("consent", "other", {**ASK, "domain": "example.com"}, _ingress("other.example.com")),
    Row("consent", "lab-1a2b3-6f2d3a51", {**ASK, "domain": "guildnet.example.com"}, refused=OWN),
    Row("consent", "b9", {**ASK, "domain": "guildnet.example.com"}, refused=OWN),
    Row("consent", "b10", {**ASK, "domain": "guildnet.localhost"}, refused=OWN),
    Row("consent", "b11", {**ASK, "domain": "lab-1a2b3-6f2d3a51.guildnet.example.com"}, refused=BELOW),
    Row("consent", "b12", {**ASK, "domain": "x.lab-1a2b3-6f2d3a51.guildnet.example.com"}, refused=BELOW),
    Row("consent", "b13", {**ASK, "domain": "apps.guildnet.example.com"}, _ingress("b13.apps.guildnet.example.com")),
    Row("consent", "b14", {**ASK, "domain": "notguildnet.example.com"}, _ingress("b14.notguildnet.example.com")),
    Row("consent, local alone", "guildnet", {**ASK, "domain": "localhost"}, refused=OWN),
    Row("consent, local alone", "guildnet-2", {**ASK, "domain": "localhost"}, _ingress("guildnet-2.localhost")),
    # Consent to load balancers alone is none to Ingresses, and who asks for none gets none.
    Row("load balancers for all", "c1", None, LB),
    Row("load balancers for all", "c2", PROXY),
    Row("load balancers for all", "c3", ASK_LB, LB),
    Row("load balancers for all", "c4", ASK, refused=NOT_ALLOWED),
    Row("load balancers for all", "c5", {**ASK, "domain": "d.example.net"}, refused=NOT_ALLOWED),
    # And the other way round; domains below the install's, classes and issuers from its lists.
    Row("a domain for all", "d1", None, _ingress("d1.apps.example.com", "public", "letsencrypt", "workspace-d1-tls")),
    Row("a domain for all", "d2", PROXY),
    Row("a domain for all", "d3", ASK_LB, refused=NOT_ALLOWED),
    Row("a domain for all", "d4", ASK, _ingress("d4.apps.example.com", "public", "letsencrypt", "workspace-d4-tls")),
    Row("a domain for all", "d5", {**ASK, "domain": "team.apps.example.com"},
        _ingress("d5.team.apps.example.com", "public", "letsencrypt", "workspace-d5-tls")),
    Row("a domain for all", "d6", {**ASK, "domain": "evil.com"}, refused=NOT_BELOW),
    Row("a domain for all", "d7", {**ASK, "domain": "xapps.example.com"}, refused=NOT_BELOW),
    Row("a domain for all", "d8", {**ASK, "domain": "example.com"}, refused=NOT_BELOW),
    Row("a domain for all", "d9", {**ASK, "ingressClass": "intern"},
        _ingress("d9.apps.example.com", "intern", "letsencrypt", "workspace-d9-tls")),
    Row("a domain for all", "d10", {**ASK, "ingressClass": "traefik"}, refused="this install's: intern, public"),
    Row("a domain for all", "d11", {**ASK, "tlsIssuer": "staging"},
        _ingress("d11.apps.example.com", "public", "staging", "workspace-d11-tls")),
    Row("a domain for all", "d12", {**ASK, "tlsIssuer": "mine"}, refused="this install's: letsencrypt, staging"),
    Row("a domain for all", "d13", {**ASK, "domain": "guildnet.example.com"}, refused=NOT_BELOW),
    # One certificate for all, unless an issuer is asked for.
    Row("a certificate for all", "e1", None, _ingress("e1.apps.example.com", "nginx", None, "wildcard")),
    Row("a certificate for all", "e2", {**ASK, "tlsIssuer": "letsencrypt"},
        _ingress("e2.apps.example.com", "nginx", "letsencrypt", "workspace-e2-tls")),
    Row("a certificate for all", "e3", {**ASK, "tlsIssuer": "other"}, refused="other is not one"),
    Row("everything", "f1", None, LB),
    Row("everything", "f2", PROXY),
    Row("everything", "f3", ASK_LB, LB),
    Row("everything", "f4", ASK, _ingress("f4.apps.example.com")),
    Row("everything", "f5", {**ASK, "domain": "d.example.net"}, refused=NOT_BELOW),
    # What makes no sense is refused before anybody sees it.
    Row("everything", "g1", {"type": "NodePort"}, invalid="spec.exposure.type"),
    Row("everything", "g2", {**ASK_LB, "domain": "d.example.net"}, invalid="used by type Ingress only"),
    Row("everything", "g3", {"ingressClass": "nginx"}, invalid="used by type Ingress only"),
    Row("everything", "g4", {**ASK, "domain": "Not A Name"}, invalid="must be a DNS name"),
    Row("everything", "g5", {**ASK, "domain": "*.example.com"}, invalid="must be a DNS name"),
    Row("everything", "g6", {**ASK_LB, "tlsIssuer": "x"}, invalid="used by type Ingress only"),
)  # fmt: skip
