"""skaffold.yaml: builds what an install needs from files that docker is given, and tells the chart all of it."""

from __future__ import annotations

import copy
import fnmatch
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from guildnet_local import publish
from guildnet_local.images.recipes import RECIPES
from unit.chart.rendered import CHART, ROOT, parse

FILE = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
PROFILES = {one["name"]: one["patches"] for one in FILE["profiles"]}


def patched(*names: str) -> dict[str, Any]:
    """The file as a profile makes it: JSON patches, of which none has a `/` in a key."""
    found: dict[str, Any] = copy.deepcopy(FILE)
    for patch in (one for name in names for one in PROFILES[name]):
        *way, last = patch["path"].removeprefix("/").split("/")
        place: Any = found
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key = int(last) if isinstance(place, list) else last
        if patch["op"] == "add":
            assert last not in place
            place[key] = patch["value"]
        elif patch["op"] == "remove":
            del place[key]
        else:
            assert key in place, f"nothing to replace at {patch['path']}"
            place[key] = patch["value"]
    return found


def built(file: dict[str, Any]) -> list[str]:
    return [one["image"].removeprefix("guildnet/") for one in file["build"]["artifacts"]]


def test_all_is_built_but_what_only_go_can():
    assert sorted(built(FILE)) == sorted({*publish.PUBLISHED} - publish.COMPILED)
    for one in FILE["build"]["artifacts"]:
        recipe = RECIPES[one["image"].removeprefix("guildnet/")]
        assert one["docker"]["dockerfile"] == recipe.dockerfile
        assert one["docker"].get("buildArgs", {}) == {**recipe.arguments}


@pytest.mark.parametrize("profiles", [(), ("slim",), ("tailnet",), ("registry",), ("slim", "tailnet", "registry")])
def test_the_chart_is_told_every_image_that_was_built(run_helm: Callable[..., str], profiles: tuple[str, ...]):
    file = patched(*profiles)
    release = file["deploy"]["helm"]["releases"][0]

    def filled(template: str) -> str:
        """As skaffold names an artifact's parts: every sign but letters and digits is an underscore."""
        parts = re.sub(r"\{\{\.IMAGE_REPO_guildnet_(\w+)\}\}", r"r.example/guildnet/\1", template)
        return re.sub(r"\{\{\.IMAGE_TAG_guildnet_\w+\}\}", "t1", parts)

    values = {**release["setValues"], **{key: filled(text) for key, text in release["setValueTemplates"].items()}}
    told = [f"--set={key}={'true' if value is True else value}" for key, value in values.items()]
    text = run_helm("template", release["name"], str(CHART), "--namespace", release["namespace"], *told)
    named = set(re.findall(r"r\.example/guildnet/(\w+):t1", text))
    assert named == {name.replace("-", "_") for name in built(file)}
    assert "{{" not in " ".join(told)
    assert ("tailscale/tailscale" in text) == ("tailnet" in profiles)
    assert parse(text).one("ConfigMap", "guildnet-presets")


def test_docker_is_given_every_file_that_an_image_is_made_of():
    """`.dockerignore` lets through what is named there, whole or by a pattern, and nothing else."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    passed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    needed = {path for name in built(FILE) for path in (*RECIPES[name].inputs, RECIPES[name].dockerfile)}
    needed = {path for path in needed if not path.endswith("Dockerfile")}
    assert {
        path for path in needed if not any(fnmatch.fnmatch(path, one) or path.startswith(f"{one}/") for one in passed)
    } == set()
