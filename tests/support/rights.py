"""What each account may do, from the chart's rights.yaml, as cells of account, verb, resource and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from support.chart import CHART

FILE: Final = CHART / "rights.yaml"
NAMES: Final[Mapping[str, str]] = {
    '{{ include "guildnet.configmap.entries" . }}': "guildnet-entries",
    '{{ include "guildnet.configmap.ports" . }}': "guildnet-ports",
    '{{ include "guildnet.secret.tailnetState" . }}': "guildnet-tailnet-state",
    '{{ include "guildnet.fullname" . }}-operator': "guildnet-operator",
    "kubernetes": "kubernetes",
}
"""What the names are in a release called `guildnet`."""
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on one resource (`resource.group`, as kubectl writes it) in one place; `name` is `*` for any object."""

    place: str
    resource: str
    name: str
    verbs: frozenset[str]
    when: str | None


def accounts() -> Mapping[str, Mapping[str, Any]]:
    """The file's accounts as they stand in it."""
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(FILE.read_text())["accounts"]
    return found


def rights(account: str) -> Iterator[Right]:
    for entry in accounts()[account]["rights"]:
        for group in entry["groups"]:
            for resource in entry["resources"]:
                for name in entry.get("names", [ANY]):
                    yield Right(
                        entry["place"],
                        f"{resource}.{group}".rstrip("."),
                        NAMES.get(name, name),
                        frozenset(entry["verbs"]),
                        entry.get("when"),
                    )


def allowed(account: str, verb: str, place: str, resource: str, name: str, *, tailnet: bool = False) -> bool:
    """Does the file let an account do this, where workspaces are reached by address? `name` `*` is every object of the
    kind."""
    return any(
        right.place == place and right.resource == resource and verb in right.verbs and right.name in (ANY, name)
        for right in rights(account)
        if right.when is None or (tailnet and right.when == "tailnet")
    )
