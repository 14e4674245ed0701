"""Images that are known: what a workspace of one gets that says nothing itself."""

from __future__ import annotations

import pytest

from guildnet import image as references
from guildnet.workspace import EnvVar, Port, WorkspaceSpec
from guildnet.workspace.ports import default_ports
from guildnet.workspace.well_known import TABLE, completed, of

IMAGES = {
    "codercom/code-server:4.96": ("code-server", 8080, "Strip"),
    "gitpod/openvscode-server": ("openvscode-server", 3000, "Preserve"),
    "registry.example/guildnet/jupyterlab:0.1.0": ("jupyterlab", 8888, "Preserve"),
    "quay.io/jupyter/scipy-notebook:2026-01-01": ("jupyter-docker-stacks", 8888, "Preserve"),
    "jupyter/base-notebook": ("jupyter-docker-stacks", 8888, "Preserve"),
    "rocker/rstudio:4": ("rstudio", 8787, "Strip"),
    "rocker/tidyverse": ("rstudio", 8787, "Strip"),
    "ghcr.io/marimo-team/marimo:latest": ("marimo", 2718, "Preserve"),
    "acme/streamlit-app": ("streamlit", 8501, "Preserve"),
    "tsl0922/ttyd": ("ttyd", 7681, "Preserve"),
    "kasmweb/desktop:1.16": ("kasm", 6901, "Strip"),
    "lscr.io/linuxserver/webtop": ("webtop", 3000, "Preserve"),
    "theasp/novnc": ("novnc", 6080, "Strip"),
}


@pytest.mark.parametrize(("image", "expected"), IMAGES.items(), ids=IMAGES)
def test_an_image_is_known_by_its_repository(image: str, expected: tuple[str, int, str]) -> None:
    known = of(image)
    assert known is not None
    assert (known.name, known.port, known.path_mode) == expected
    assert default_ports(image) == known.ports
    assert completed(WorkspaceSpec(image)).ports == known.ports


@pytest.mark.parametrize(
    "image", ["nginx", "example.com/tool:marimo", "streamlit.example/tool", "jupyterhub/jupyterhub"]
)
def test_registry_and_tag_say_nothing_of_an_image(image: str) -> None:
    assert of(image) is None
    assert completed(WorkspaceSpec(image)) == WorkspaceSpec(image)


def test_what_a_workspace_says_itself_stands() -> None:
    image = "jupyter/base-notebook"
    ports = WorkspaceSpec(image, ports=(Port(9999),))
    assert completed(ports) == ports
    args = completed(WorkspaceSpec(image, args=("start.sh", "my-server")))
    assert (args.args, args.env, args.ports[0].container_port) == (("start.sh", "my-server"), (), 8888)
    env = completed(WorkspaceSpec(image, env=(EnvVar("NOTEBOOK_ARGS", "--mine"), EnvVar("A", "1"))))
    assert env.env == (EnvVar("NOTEBOOK_ARGS", "--mine"), EnvVar("A", "1"))


def test_who_lives_below_a_base_path_is_told_it_and_nobody_else() -> None:
    reads_it_itself = {"jupyterlab"}
    for known in TABLE:
        told = any("GUILDNET_BASE_PATH" in text for text in (*known.command, *known.args, *known.env.values()))
        assert told == (known.path_mode == "Preserve" and known.name not in reads_it_itself), known.name


def test_every_word_can_be_part_of_a_repository() -> None:
    for known in TABLE:
        assert all(references.parse(f"a/{word.strip('/')}") for word in known.words), known.name
    assert len({known.name for known in TABLE}) == len(TABLE)
