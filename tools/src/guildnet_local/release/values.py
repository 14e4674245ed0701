"""The chart's values on the local cluster. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from guildnet_local.settings import CLUSTER_DOMAIN, FRONT_DOOR_IP

# Images of the release, by the chart value that names each; the sandbox, DNS and workspace images are not the chart's.
COMPONENTS = ("api", "proxy", "operator", "valkey")
# Tailscale's test control server wants the key at every registration, a real one only at a node's first: without this
# the sidecar could not come back after a restart.
AUTH_ALWAYS = {"name": "TS_AUTH_ONCE", "value": "false"}


def split_reference(ref: str) -> tuple[str, str]:
    """(repository, tag) of an image reference."""
    repository, _, tag = ref.rpartition(":")
    return repository, tag


def image_value(ref: str) -> dict[str, str]:
    """The chart's `image` value for a reference, in place of any registry that the chart names."""
    repository, tag = split_reference(ref)
    return {"registry": "", "repository": repository, "tag": tag}


def offered(presets: Sequence[Mapping[str, Any]], images: Collection[str]) -> list[dict[str, Any]]:
    """The chart's presets whose image the cluster has. There is no registry: another one could only fail to start."""
    return [dict(one) for one in presets if one["image"]["repository"].removeprefix("guildnet/") in images]


def local_values(refs: Mapping[str, str], origin: str, tailnet: Mapping[str, Any]) -> dict[str, Any]:
    """The chart's values on the local cluster: its images, its one front door address, its tailnet.

    `refs` maps image names to references; `tailnet` is what `cluster.tailnet.helm_values` gives, or empty.
    """
    values: dict[str, Any] = {
        **{name: {"image": image_value(refs[name])} for name in COMPONENTS},
        "clusterDomain": CLUSTER_DOMAIN,
        "entries": {"local": {"origin": origin}},
        **tailnet,
    }
    values["proxy"]["service"] = {"clusterIP": FRONT_DOOR_IP}
    if tailnet:
        own = {
            "image": image_value(refs["tailscale"]),
            "extraEnv": [*tailnet["tailnet"].get("extraEnv", ()), AUTH_ALWAYS],
        }
        values["tailnet"] = {**tailnet["tailnet"], **own}
    return values
