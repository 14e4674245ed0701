"""Images that were pushed to a registry of one's own, and those that the chart takes from their makers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from guildnet_local import publish
from guildnet_local.build.pins import GROUPS
from guildnet_local.registry.place import Place
from guildnet_local.registry.push import Pushed
from guildnet_local.registry.values import values
from unit.chart.rendered import CHART, Render, Rendering

TAILNET: dict[str, Any] = {"enabled": True, "authKey": {"value": "tskey"}}
PUSHED = {
    name: Pushed(name, Place("registry.example.com:5000", "team", "0.1.0"), f"sha256:{'ab' * 32}")
    for name in publish.PUBLISHED
}


def images(rendering: Rendering) -> dict[str, str]:
    """Container → image, of every Deployment."""
    return {
        container["name"]: container["image"]
        for name, pod in rendering.pod_specs()
        for container in (*pod["containers"], *pod.get("initContainers", ()))
        if name in {one["metadata"]["name"] for one in rendering.of("Deployment")}
    }


def test_every_image_that_was_pushed_is_taken_by_its_digest(render: Render):
    presets = yaml.safe_load((CHART / "values.yaml").read_text())["presets"]
    told = values(PUSHED.values(), presets)
    rendering = render({**told, "tailnet": {**told["tailnet"], **TAILNET}})
    found = images(rendering)
    assert found.pop("serve-file") == found["proxy"]
    assert found == {name: PUSHED[name].pinned for name in ("api", "proxy", "operator", "valkey", "tailscale")}
    offered = json.loads(rendering.one("ConfigMap", "guildnet-presets")["data"]["presets.json"])
    assert [one["image"] for one in offered] == [PUSHED[name].pinned for name in ("jupyterlab", "code-server")]


@pytest.mark.parametrize("registry", ["", "registry.example.com/team"])
def test_what_others_publish_is_taken_from_them_whatever_the_registry_of_ours(render: Render, registry: str):
    found = images(render({"image": {"registry": registry}, "tailnet": TAILNET}))
    assert found["tailscale"] == f"docker.io/tailscale/tailscale:{GROUPS['tailnet'].version}"
    assert found["valkey"].startswith("docker.io/valkey/valkey:")
    assert found["api"] == "/".join(filter(None, (registry, "guildnet/api:0.1.0")))
