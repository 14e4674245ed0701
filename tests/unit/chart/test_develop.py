"""`make dev`: the services run a checkout's sources, and all else of the install stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local.develop.values import SERVICES, UI_ORIGIN, with_sources
from unit.chart.rendered import Render

BEFORE = {"api": {"image": {"tag": "dev-1"}}, "entries": {"local": {"origin": "http://guildnet.localhost:8080"}}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_finds_the_checkouts_packages_before_those_of_its_image(render: Render, service: str):
    rendering = render(with_sources(BEFORE, Path("/checkout")))
    folders = dict(each.split(":") for each in ("source:/checkout/source", "library:/checkout/library"))
    container = rendering.container(service)
    assert rendering.env(service)["PYTHONPATH"] == ":".join(folders.values())
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    assert {name: mounts[name]["mountPath"] for name in folders} == folders
    assert all(mounts[name]["readOnly"] for name in folders)
    volumes = {one["name"]: one.get("hostPath", {}).get("path") for one in rendering.pod(service)["volumes"]}
    assert volumes["source"] == f"/checkout/services/{service}/src"
    assert volumes["library"] == "/checkout/libs/guildnet/src"


def test_the_front_door_takes_the_ui_from_the_development_server_and_the_rest_stays(render: Render):
    rendering = render(with_sources(BEFORE, Path("/checkout")))
    assert rendering.env("proxy")["UI_DEV_ORIGIN"] == UI_ORIGIN
    assert rendering.container("api")["image"] == "guildnet/api:dev-1"
    assert "entries" in BEFORE
    assert "uiDevOrigin" not in BEFORE["entries"]
