"""Images that are known: the port each serves, whether it can live below a base path, and what it needs to be told.

A Workspace that names no ports gets these from the operator, and one without command and arguments the rest; the api
shows them as the defaults of the image. What a Workspace says itself stands.

The facts are those of each image's own documentation; of the images here only JupyterLab and code-server are tried by
the tests of this repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec.structs import replace

from guildnet.image import repository_has
from guildnet.workspace.model import EnvVar, Port, WorkspaceSpec

_BASE: Final = "$(GUILDNET_BASE_PATH)"
"""What the kubelet replaces by the base path, `/proxy/server/NAME/`."""


@dataclass(frozen=True, slots=True)
class WellKnown:
    """One image, or a family that behaves alike. `words` are parts of its repository, without registry and tag."""

    name: str
    words: tuple[str, ...]
    port: int
    path_mode: str = "Strip"
    port_name: str = "http"
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    login: Literal["", "password", "token"] = ""
    """What it can be given to keep out who does not come through the proxy (guildnet.workspace.app_login)."""

    @property
    def ports(self) -> tuple[Port, ...]:
        return (Port(self.port, self.port_name, path_mode=self.path_mode),)


TABLE: Final = (
    WellKnown("openvscode-server", ("openvscode-server",), 3000, "Preserve", args=("--server-base-path", _BASE)),
    # Finds its own way below any prefix; PORT, which every workspace has, is where it listens.
    WellKnown("code-server", ("code-server",), 8080, login="password"),
    # Ours passes GUILDNET_BASE_PATH on by itself.
    WellKnown("jupyterlab", ("jupyterlab",), 8888, "Preserve", login="token"),
    # jupyter/docker-stacks: start-notebook.py reads NOTEBOOK_ARGS. Who may come in is for the proxy to say.
    WellKnown(
        "jupyter-docker-stacks", ("jupyter/",), 8888, "Preserve",
        env={
            "NOTEBOOK_ARGS": (
                f"--ServerApp.base_url={_BASE} --ServerApp.allow_remote_access=True --IdentityProvider.token="
            ),
        },
    ),
    WellKnown(
        "rstudio", ("rstudio", "rocker/tidyverse", "rocker/verse", "rocker/geospatial"), 8787,
        env={"DISABLE_AUTH": "true"},
    ),
    # It refuses a base URL that ends in a slash.
    WellKnown(
        "marimo", ("marimo",), 2718, "Preserve",
        command=(
            "sh", "-c",
            'exec marimo edit --headless --no-token --host 0.0.0.0 --port 2718 --base-url "${GUILDNET_BASE_PATH%/}"',
        ),
    ),
    WellKnown(
        "streamlit", ("streamlit",), 8501, "Preserve",
        env={
            "STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_SERVER_PORT": "8501", "STREAMLIT_SERVER_HEADLESS": "true",
            "STREAMLIT_SERVER_BASE_URL_PATH": _BASE,
        },
    ),
    WellKnown("ttyd", ("ttyd",), 7681, "Preserve", args=("ttyd", "-W", "-b", _BASE, "bash")),
    WellKnown("kasm", ("kasmweb/",), 6901, port_name="https"),
    WellKnown("webtop", ("linuxserver/webtop",), 3000, "Preserve", env={"SUBFOLDER": _BASE}),
    WellKnown("novnc", ("novnc",), 6080),
)  # fmt: skip
"""In the order in which they are tried: `openvscode-server` has the word of `code-server`, too."""


def of(image: str) -> WellKnown | None:
    """The first whose word is in the image's repository."""
    return next((known for known in TABLE if repository_has(image, *known.words)), None)


def completed(spec: WorkspaceSpec) -> WorkspaceSpec:
    """The spec with what its image is known to need, where it names no ports, command and arguments."""
    known = of(spec.image)
    if known is None or spec.ports:
        return spec
    if spec.command or spec.args:
        return replace(spec, ports=known.ports)
    named = {item.name for item in spec.env}
    env = tuple(EnvVar(name, value) for name, value in known.env.items() if name not in named)
    return replace(spec, ports=known.ports, command=known.command, args=known.args, env=(*spec.env, *env))
