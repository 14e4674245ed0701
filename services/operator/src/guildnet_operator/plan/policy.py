"""What the install decides for every workspace: a value made from the settings, read by `defaults.decide`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's share of the chart's values. Empty strings mean "not set"."""

    load_balancer: bool = False
    load_balancer_pool: str = ""
    domain: str = ""
    direct_exposure: bool = False
    ingress_class: str = "nginx"
    issuer: str = ""
    tls_secret: str = ""
    auth_url: str = ""
    auth_signin: str = ""
    pull_secret: str = ""
    tolerate_control_plane: bool = True
    http_probe_images: tuple[str, ...] = ("code-server", "jupyterlab")
