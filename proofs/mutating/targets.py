"""The modules that decide, and the unit tests that may notice a change to them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from proofs import ROOT

TARGETS: Final = (
    "guildnet.access",
    "guildnet.capability",
    "guildnet.identity",
    "guildnet.names",
    "guildnet.workspace.ports",
    "guildnet_proxy.auth.authenticate",
    "guildnet_proxy.auth.sessions",
    "guildnet_proxy.frontdoor.cross_origin",
    "guildnet_proxy.frontdoor.egress",
    "guildnet_proxy.frontdoor.memory",
    "guildnet_proxy.frontdoor.way",
    "guildnet_proxy.http.message.fields",
    "guildnet_proxy.http.message.head",
    "guildnet_proxy.http.message.response",
    "guildnet_proxy.rewrite.cookies",
    "guildnet_proxy.rewrite.request_head",
    "guildnet_proxy.rewrite.response_head",
    "guildnet_operator.plan.defaults",
    "guildnet_operator.plan.exposure",
    "guildnet_operator.plan.manifests",
    "guildnet_operator.plan.next_start",
    "guildnet_operator.status.child_faults",
    "guildnet_operator.status.conditions",
    "guildnet_operator.status.diagnosis",
    "guildnet_operator.status.grants",
    "guildnet_operator.status.refusals",
    "guildnet_operator.sync.brake",
)
TESTS: Final = tuple(f"tests/unit/{ring}" for ring in ("guildnet", "proxy", "operator", "api", "docs"))
PACKAGES: Final = ("guildnet", "guildnet_api", "guildnet_proxy", "guildnet_operator")
"""What the targets can be imported by; a test may load the project's tools beside them."""
_SOURCES: Final = ("libs/guildnet/src", "services/proxy/src", "services/operator/src")


def source_of(module: str) -> Path:
    """The file of a module of the three services; found without importing anything."""
    below = Path(*module.split(".")).with_suffix(".py")
    return next(ROOT / source / below for source in _SOURCES if (ROOT / source / below).exists())
