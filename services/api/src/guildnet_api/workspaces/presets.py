"""Presets: the images an install offers, a JSON list that the chart renders from its values. Pure.

A preset fills in what a launch leaves open, never what it states. It is found by the launch's `presetsRef` (a preset's
`name`, else its label as a slug) or, without one, by the image. Its secrets are shown masked, and a launch that sends
the mask back means them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from guildnet import image as references
from guildnet.errors import FieldError, Invalid
from guildnet.names import slug
from guildnet.sensitive import MASK, masked_arguments
from guildnet.workspace import well_known
from guildnet_api.workspaces.secrets import is_kept_secret, unmasked_arguments, unmasked_env
from guildnet_api.workspaces.spec import Args, Command, Env, Expose, Image, JobSpec, Ports, Resources, Storage


class Preset(BaseModel):
    """One entry of the list. `pathMode` is that of every port that does not say its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, Field(min_length=1, max_length=128)]
    image: Image
    name: str | None = None
    description: str | None = None
    icon: str | None = None
    command: Command | None = None
    args: Args | None = None
    env: Env | None = None
    ports: Ports | None = None
    pathMode: Literal["Strip", "Preserve"] | None = None  # noqa: N815  the name on the wire
    resources: Resources | None = None
    storage: Storage | None = None

    @property
    def ref(self) -> str:
        return self.name or slug(self.label)

    def wire(self) -> dict[str, Any]:
        """As clients are shown it."""
        return {"name": self.ref, **_shown(self.model_dump(exclude_none=True), self)}


_LIST = TypeAdapter(list[Preset])


def parse(text: str, source: str) -> tuple[Preset, ...]:
    """The presets of a JSON list. Raises Invalid that names `source`, entry and field where it is anything else."""
    try:
        return tuple(_LIST.validate_python(json.loads(text)))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    except ValueError as error:
        problems = f"not JSON: {error}"
    raise Invalid(f"{source}: {problems}")


def defaults(presets: Sequence[Preset], image: str) -> dict[str, Any]:
    """What is known to suit an image (GET /api/image-defaults): `{}` for a blank or unknown one.

    A preset of the install goes before what the image is known for, as a launch has it.
    """
    preset = _of_image(presets, image.strip())
    if preset is None:
        return _well_known(image.strip())
    included = {"command", "args", "env", "ports", "pathMode", "resources", "storage"}
    found = _shown(preset.model_dump(exclude_none=True, include=included), preset)
    return {key: value for key, value in found.items() if value}


def _well_known(image: str) -> dict[str, Any]:
    known = well_known.of(image) if references.parse(image) else None
    if known is None:
        return {}
    found = {
        "ports": [{"port": port.container_port, "name": port.name} for port in known.ports],
        "pathMode": known.path_mode,
        "command": list(known.command),
        "args": list(known.args),
        "env": dict(known.env),
    }
    return {key: value for key, value in found.items() if value}


def _shown(dumped: dict[str, Any], preset: Preset) -> dict[str, Any]:
    if preset.env is not None:
        dumped["env"] = {key: MASK if is_kept_secret(key, item) else item.value for key, item in preset.env.items()}
    for field in ("command", "args"):
        if field in dumped:
            dumped[field] = list(masked_arguments(dumped[field]))
    return dumped


def fill(job: JobSpec, presets: Sequence[Preset]) -> JobSpec:
    """The launch with what its preset adds.

    Raises Invalid when `presetsRef` names no preset, and for a mask that stands for nothing of it.
    """
    preset = _find(job, presets)
    env = unmasked_env(job.env or {}, (preset.env if preset else None) or {})
    command = unmasked_arguments(job.command or (), (preset.command if preset else None) or (), "command")
    args = unmasked_arguments(job.args or (), (preset.args if preset else None) or ())
    if preset is None:
        return job
    filled: dict[str, Any] = {
        "command": command if job.command is not None else preset.command,
        "args": args if job.args is not None else preset.args,
        "env": {**(preset.env or {}), **env} or None,
        "resources": job.resources or preset.resources,
        # `null` says that no volume is wanted, also where the preset has one.
        "storage": job.storage if "storage" in job.model_fields_set else preset.storage,
        "expose": _ports(job.expose, preset),
    }
    return job.model_copy(update=filled)


def _find(job: JobSpec, presets: Sequence[Preset]) -> Preset | None:
    if job.presetsRef is None:
        return _of_image(presets, job.image)
    found = next((preset for preset in presets if preset.ref == job.presetsRef), None)
    if found is None:
        known = ", ".join(preset.ref for preset in presets) or "none"
        detail = FieldError("presetsRef", f"no such preset; this install has: {known}")
        raise Invalid("The specification is not valid: see presetsRef.", code="invalid_spec", details=(detail,))
    return found


def _of_image(presets: Sequence[Preset], image: str) -> Preset | None:
    """The preset of this very image, else of another tag of it: ports belong to the program, not to its version."""
    exact = next((preset for preset in presets if preset.image == image), None)
    wanted = references.parse(image)
    if exact or wanted is None:
        return exact
    return next((p for p in presets if (of := references.parse(p.image)) and of.segments == wanted.segments), None)


def _ports(given: list[Expose] | None, preset: Preset) -> list[Expose] | None:
    """The given ports, or the preset's; the path mode follows the port, since it belongs to the program behind it."""
    modes = {port.port: port.pathMode or preset.pathMode for port in preset.ports or ()}
    ports = given if given is not None else preset.ports
    if ports is None:
        return None
    return [port if port.pathMode else port.model_copy(update={"pathMode": modes.get(port.port)}) for port in ports]
