"""Bodies of requests: `JobSpec` launches a workspace, `JobPatch` changes one. Pure.

Strict: an unknown field, a number where text belongs or a label of ours is an error that names the field, and every
problem is reported at once. Nothing accepted is dropped but blank env keys (the first generation's clients send them).
Decides nothing about who may launch, and knows no Kubernetes beyond the syntax of its values.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from guildnet import image
from guildnet.errors import FieldError, Invalid
from guildnet.names import is_reserved

_MAX_COMMAND_CHARACTERS = 4096
_MAX_VALUES = 2048
"""Values in one body: more than the largest specification can hold."""
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT_NAME = re.compile(r"(?=.{1,15}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_QUANTITY = re.compile(r"(?=.*[1-9])[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?")
_LABEL_PART = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


_DOMAIN: Final = r"(?=.{1,189}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NO_DOMAIN: Final = "not a DNS name like apps.example.com"
_NO_IMAGE: Final = "not an image reference like registry/repository:tag"
_NO_QUANTITY: Final = "not an amount above zero like 500m, 2 or 1Gi"


def _image(value: str) -> str:
    if image.parse(value) is None:
        raise ValueError(_NO_IMAGE)
    return value


def _quantity(value: str) -> str:
    if not _QUANTITY.fullmatch(value):
        raise ValueError(_NO_QUANTITY)
    return value


def _documented(pattern: str, reason: str) -> Any:
    """A check of ours in the document: an ECMAScript pattern, and the words that the answer has for what misses it."""
    return Field(json_schema_extra={"pattern": f"^(?:{pattern})$", "x-reason": reason})


def _command(value: Any) -> Any:
    """A command given as one line is split as a shell would; a list passes as it is."""
    if not isinstance(value, str):
        return value
    if len(value) > _MAX_COMMAND_CHARACTERS:
        raise ValueError(f"longer than {_MAX_COMMAND_CHARACTERS} characters; give a list")
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"not a command line: {error}") from None


def _env(values: dict[str, Any]) -> dict[str, Any]:
    kept = {name.strip(): value for name, value in values.items() if name.strip()}
    wrong = [name for name in kept if not _ENV_NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"{', '.join(map(repr, wrong))}: a name is letters, digits and _, not starting with a digit")
    return kept


def _label(key: str, value: str | None) -> str | None:
    """What is wrong with one label, or None (Kubernetes' syntax of label keys and values)."""
    prefix, slash, name = key.rpartition("/")
    if is_reserved(key):
        return f"{key!r}: labels under guildnet.io/ are GuildNet's own"
    if not _LABEL_PART.fullmatch(name) or (slash and not _DNS_NAME.fullmatch(prefix)):
        return f"{key!r} is not a label key"
    if value and not _LABEL_PART.fullmatch(value):
        return f"the value of {key!r} is not a label value (at most 63 letters, digits, -, _ and .)"
    return None


def _labels(values: dict[str, Any]) -> dict[str, Any]:
    wrong = [problem for key, value in values.items() if (problem := _label(key, value))]
    if wrong:
        raise ValueError("; ".join(wrong))
    return values


class Wire(BaseModel):
    """A JSON object of a client: unknown fields refused, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class EnvValue(Wire):
    """The value of a variable. With `secret` it is stored in a Secret and never shown, whatever the variable's name."""

    value: Text
    secret: bool = False


def _env_value(given: Any) -> Any:
    """Plain text is a value that nothing more is said of."""
    if isinstance(given, str):
        return {"value": given}
    if isinstance(given, dict | EnvValue):
        return given
    raise ValueError("neither text nor {value, secret}")


class Expose(Wire):
    """One port of the workspace."""

    port: Annotated[int, Field(ge=1, le=65535)]
    name: str | None = None
    pathMode: Literal["Strip", "Preserve"] | None = None  # noqa: N815  the name on the wire

    @property
    def given_name(self) -> str:
        return self.name or f"p-{self.port}"


def _expose(ports: list[Expose]) -> list[Expose]:
    problems = [
        f"name {port.name!r} is not a DNS label of at most 15 characters"
        for port in ports
        if port.name and not _PORT_NAME.fullmatch(port.name)
    ]
    for what, values in (("port", [str(p.port) for p in ports]), ("name", [p.given_name for p in ports])):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            problems.append(f"{what} {', '.join(twice)} given twice")
    if problems:
        raise ValueError("; ".join(problems))
    return ports


Quantity = Annotated[str, AfterValidator(_quantity), _documented(_QUANTITY.pattern, _NO_QUANTITY)]


class Resources(Wire):
    """What the container asks for; memory is its limit too."""

    cpu: Quantity | None = None
    memory: Quantity | None = None


class ResourcesPatch(Resources):
    """Changes of what the container asks for: null takes away, what is not sent stays."""


class Storage(Wire):
    """A volume of its own that outlives restarts. Left out: the preset's, else the install's default; null: none."""

    size: Quantity


def _domain(value: str) -> str:
    if not re.fullmatch(_DOMAIN, value):
        raise ValueError(_NO_DOMAIN)
    return value


class Exposure(Wire):
    """How it is reached past the proxy and its rules, where the install consents; `domain` is for Ingress only, and the
    install's own where it is left out."""

    type: Literal["ClusterIP", "LoadBalancer", "Ingress"]
    domain: Annotated[str, AfterValidator(_domain), _documented(_DOMAIN, _NO_DOMAIN)] | None = None


def _exposure(given: Exposure) -> Exposure:
    if given.domain is not None and given.type != "Ingress":
        raise ValueError("a domain is for the type Ingress only")
    return given


Image = Annotated[
    str, StringConstraints(min_length=1, max_length=512), AfterValidator(_image), _documented(image.PATTERN, _NO_IMAGE)
]
Command = Annotated[list[Text], BeforeValidator(_command), Field(max_length=256)]
Args = Annotated[list[Text], Field(max_length=256)]
Ports = Annotated[list[Expose], Field(max_length=16), AfterValidator(_expose)]
EnvItem = Annotated[EnvValue, BeforeValidator(_env_value, json_schema_input_type=Text | EnvValue)]
Env = Annotated[dict[str, EnvItem], Field(max_length=256), AfterValidator(_env)]
EnvPatch = Annotated[dict[str, EnvItem | None], Field(max_length=256), AfterValidator(_env)]
Labels = Annotated[dict[str, str], Field(max_length=64), AfterValidator(_labels)]
LabelsPatch = Annotated[dict[str, str | None], Field(max_length=64), AfterValidator(_labels)]
Exposed = Annotated[Exposure, AfterValidator(_exposure)]
Notes = Annotated[str, StringConstraints(max_length=4096)]
Name = Annotated[str, StringConstraints(max_length=253)]


class JobSpec(Wire):
    """The body of POST /api/jobs."""

    image: Image
    name: Name | None = None
    command: Command | None = None
    args: Args | None = None
    env: Env | None = None
    resources: Resources | None = None
    labels: Labels | None = None
    expose: Ports | None = None
    presetsRef: Name | None = None  # noqa: N815  the name on the wire
    storage: Storage | None = None
    exposure: Exposed | None = None
    notes: Notes | None = None


class JobPatch(Wire):
    """The body of PATCH /api/servers/{id}: a field not sent stays, null takes it away, maps are merged key by key."""

    image: Image = ""
    command: Command | None = None
    args: Args | None = None
    env: EnvPatch | None = None
    resources: ResourcesPatch | None = None
    labels: LabelsPatch | None = None
    expose: Ports | None = None
    storage: Storage | None = None
    exposure: Exposed | None = None
    notes: Notes | None = None


M = TypeVar("M", bound=Wire)

MAX_DETAILS: Final = 50
"""More problems than that help nobody, and a body of unknown fields would be answered by one five times its size."""
_OBJECT: Final = "an object, like {example}"
_EXAMPLES: Final = {"storage": '{"size": "10Gi"}', "resources": '{"cpu": "500m"}', "labels": '{"team": "research"}'}
_REASONS: Final[Mapping[str, str]] = {
    "extra_forbidden": "unknown field",
    "missing": "required",
    "string_type": 'text in quotes, like "value"',
    "int_type": "a whole number, like 8080",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "list_type": 'a list, like ["value"]',
    "literal_error": "one of {expected}",
    "string_too_short": "must not be empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "a character that cannot be stored (NUL)",
    "string_unicode": "text with half a character (a lone surrogate)",
    "too_long": "at most {max_length} entries",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
"""By pydantic's type of an error; the texts of our own checks are used as they are."""


def parse(body: bytes, model: type[M]) -> M:
    """The body as a value.

    Raises Invalid: code `bad_body` with line and column when it is not JSON (or not an object), else `invalid_spec`
    with one detail per field that is wrong.
    """
    value = _json(body)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        details = tuple(FieldError(_path(item["loc"]), _reason(item)) for item in found[:MAX_DETAILS])
        fields = ", ".join(dict.fromkeys(detail.field for detail in details))
        raise Invalid(f"The specification is not valid: see {fields}.", code="invalid_spec", details=details) from None


def _json(body: bytes) -> dict[str, Any]:
    _refuse_many_values(body)
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Invalid(f"The body is not JSON: {error.msg} at {where}.", code="bad_body") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"The body is not UTF-8: byte {error.start} is {error.reason}.", code="bad_body") from None
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not JSON: {error or 'nested too deeply'}.", code="bad_body") from None
    if not isinstance(value, dict):
        raise Invalid(f"The body has to be a JSON object, not {type(value).__name__}.", code="bad_body")
    return value


def _refuse_many_values(body: bytes) -> None:
    """Checked by a quick parser first: what is strict below takes a fifth of a second for a body that is all keys."""
    try:
        waiting = [orjson.loads(body)]
    except orjson.JSONDecodeError:
        return  # refused below, with its place
    for seen, value in enumerate(_values(waiting)):
        if seen >= _MAX_VALUES or (isinstance(value, dict | list) and len(value) > _MAX_VALUES):
            raise Invalid(f"The body holds more than {_MAX_VALUES} values; no specification does.", code="bad_body")


def _values(waiting: list[Any]) -> Iterator[Any]:
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that comes twice is refused: which of the two was meant cannot be known."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice in one object")
    return result


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".") or "."


def _reason(item: Mapping[str, Any]) -> str:
    """What is wrong, and what would be right, in words of JSON: who sends it may never have seen Python."""
    text = _REASONS.get(item["type"])
    if text is None:
        return str(item["msg"]).removeprefix("Value error, ")
    example = _EXAMPLES.get(str(item["loc"][-1]), '{"NAME": "value"}')
    return text.format(**{"example": example, **item.get("ctx", {})})
