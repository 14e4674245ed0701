"""Which images there are and what goes into each: a table, and nothing that touches the machine.

A recipe names every file its build may see. The build context holds these and no others, so the key of an image covers
exactly what its content can depend on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class ImageError(Exception):
    """An image that cannot be had; the text says which one, at which step and why, and is meant for the terminal."""


class SizeLimitError(ImageError):
    """An image above its recipe's limit; it is not kept."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image. Paths of the context are relative; those of the repository stay the same in the context.

    `bases` maps a build argument to a variant of `base.VARIANTS`, `arguments` maps one to its text; `programs` are
    upstream programs and `files` files of this machine (path → place in the context); `ui` adds the built UI as
    `ui/dist`.
    """

    name: str
    dockerfile: str
    inputs: tuple[str, ...] = ()
    bases: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    programs: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    ui: bool = False
    # Above this, uncompressed, the build is refused; 0: no limit.
    limit_bytes: int = 0


SERVICES_DOCKERFILE = "services/Dockerfile"
MAX_CONTROL_PLANE_BYTES = 150_000_000
_PYTHON = {"BASE": "python", "BUILD_BASE": "build"}
_CODE_SERVER = ("requirements.txt", "package.json", "package-lock.json", "prune", "start")
_BUILD = {"BUILD_BASE": "build"}


def _service(name: str, *more: str, ui: bool = False) -> Recipe:
    package = f"services/{name}"
    inputs = (
        "requirements/uv.txt",
        "requirements/build.txt",
        f"requirements/{name}.txt",
        "requirements/traces.txt",
        "libs/guildnet/pyproject.toml",
        "libs/guildnet/src",
        f"{package}/pyproject.toml",
        f"{package}/src",
        *more,
    )
    return Recipe(
        name, SERVICES_DOCKERFILE, inputs, _PYTHON, {"SERVICE": name}, ui=ui, limit_bytes=MAX_CONTROL_PLANE_BYTES
    )


def _of_program(*programs: str, name: str = "", bases: Mapping[str, str] | None = None) -> Recipe:
    name = name or programs[0]
    return Recipe(name, f"images/{name}/Dockerfile", bases=bases or {}, programs=programs)


_RECIPES = (
    Recipe("pause", "images/pause/Dockerfile", files={"/usr/bin/catatonit": "catatonit"}),
    Recipe("busybox", "images/busybox/Dockerfile", files={"/bin/busybox": "busybox"}),
    _of_program("coredns", bases=_BUILD),
    _of_program("containerboot", "tailscaled", "tailscale", name="tailscale", bases=_BUILD),
    Recipe("valkey", "images/valkey/Dockerfile", bases=_BUILD),
    _service("proxy", "services/proxy/native.py", "requirements/native.txt"),
    _service("operator"),
    _service("api", ui=True),
    Recipe(
        "jupyterlab",
        "images/jupyterlab/Dockerfile",
        (
            "requirements/uv.txt",
            "images/jupyterlab/requirements.txt",
            "images/jupyterlab/start",
            "images/jupyterlab/overrides.json",
            "images/jupyterlab/jupyter_server_config.py",
        ),
        _PYTHON,
    ),
    Recipe(
        "code-server",
        "images/code-server/Dockerfile",
        tuple(f"images/code-server/{name}" for name in _CODE_SERVER),
        {"BASE": "workspace", "BUILD_BASE": "build"},
    ),
    _of_program("local-path-provisioner"),
)
RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}
# code-server takes minutes and is built when it is first asked for by name.
USUAL = tuple(name for name in RECIPES if name != "code-server")


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ImageError listing the names there are."""
    if name not in RECIPES:
        raise ImageError(f"no such image: {name!r} (there are {', '.join(RECIPES)})")
    return RECIPES[name]
