"""What an install is told about images that were pushed: the chart's values, and the example with its image. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guildnet_local.registry.push import Pushed

# Where the chart's values name each image of the release.
_VALUES: Mapping[str, str] = {
    **{name: name for name in ("api", "proxy", "operator", "valkey")},
    "tailscale": "tailnet",
}


def values(pushed: Iterable[Pushed], presets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The chart's values for these images: each by its digest; of the presets those whose image is among them.

    What was not pushed stays as the chart has it.
    """
    images = {one.name: _value(one) for one in pushed}
    found: dict[str, Any] = {_VALUES[name]: {"image": value} for name, value in images.items() if name in _VALUES}
    found["presets"] = [
        {**preset, "image": images[name]}
        for preset in presets
        if (name := preset["image"]["repository"].removeprefix("guildnet/")) in images
    ]
    return found


def _value(one: Pushed) -> dict[str, str]:
    return {
        "registry": one.place.host,
        "repository": one.place.repository(one.name),
        "tag": one.place.tag,
        "digest": one.digest,
    }


def example(manifest: Mapping[str, Any], pushed: Iterable[Pushed]) -> dict[str, Any]:
    """The Workspace with its image taken from where it was pushed; as it was when it is none of these."""
    for one in pushed:
        if manifest["spec"]["image"].rpartition(":")[0] == f"guildnet/{one.name}":
            return {**manifest, "spec": {**manifest["spec"], "image": one.pinned}}
    return dict(manifest)
