"""The chart's README: its values as tables, from values.yaml and the comments in it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import yaml

from guildnet_chart.values import Value, common, explained, read

COMPONENTS: Final = ("api", "proxy", "operator", "valkey")
LONGEST_DEFAULT: Final = 60
"""Characters of a default that are shown in a table; a longer one is to be read in the file."""
_TEMPLATE: Final = """\
<!-- Generated from Chart.yaml and values.yaml by `python -m guildnet_chart readme`; edit those instead. -->
# {name}

{description}.

Version {version}, for Kubernetes {kubernetes}. What it needs and how it is installed is in `docs/install.md` of its
repository; upgrade, backup, keys and trouble are in `docs/operations.md`. A value that is not known is refused by name.

```console
$ helm install guildnet charts/guildnet -n guildnet --create-namespace --set image.registry=registry.example.com
$ helm test guildnet -n guildnet
```

## Values

{values}
## Values of every component

`api`, `proxy`, `operator` and `valkey` have these in common; where a default is one component's own it stands above.

{shared}
"""


def rendered(chart: str, values: str) -> str:
    """The text for Chart.yaml and values.yaml as they stand."""
    about: Mapping[str, Any] = yaml.safe_load(chart)
    rows = "".join(
        f"| {', '.join(f'`{key}`' for key in keys)} | {_cell(what)} |\n" for keys, what in explained(values).items()
    )
    return _TEMPLATE.format(
        name=about["name"],
        description=about["description"],
        version=about["version"],
        kubernetes=about["kubeVersion"].removesuffix("-0"),
        values="\n".join(_sections(read(values), common(values), values)),
        shared=f"| value | |\n| --- | --- |\n{rows.rstrip()}",
    )


def _sections(every: list[Value], shared: frozenset[str], text: str) -> Iterator[str]:
    heads = _heads(text)
    own = _own_defaults(every, shared)
    listed = [value for value in every if not _is_shared(value, shared) or value.path in own]
    single = [value for value in listed if "." not in value.path]
    yield "".join(_table(single, ""))
    for group, members in groupby((value for value in listed if "." in value.path), key=_group):
        yield (
            f"### `{group}`\n\n"
            + (f"{heads[group]}\n\n" if heads.get(group) else "")
            + "".join(_table(members, heads.get(group, "")))
        )


def _group(value: Value) -> str:
    return value.path.partition(".")[0]


def _heads(text: str) -> dict[str, str]:
    """The comment over each group, by its name."""
    every = {value.path: value.about for value in read(text)}
    return {path.partition(".")[0]: about for path, about in reversed(every.items()) if path.count(".") == 1}


def _is_shared(value: Value, shared: frozenset[str]) -> bool:
    top, _, rest = value.path.partition(".")
    return top in COMPONENTS and rest.partition(".")[0] in shared and not value.comment


def _own_defaults(every: list[Value], shared: frozenset[str]) -> frozenset[str]:
    """Shared values whose defaults are not alike in all components."""
    defaults: dict[str, list[Any]] = {}
    for value in every:
        if _is_shared(value, shared):
            defaults.setdefault(value.path.partition(".")[2], []).append(value.default)
    return frozenset(
        value.path
        for value in every
        if _is_shared(value, shared) and any(one != value.default for one in defaults[value.path.partition(".")[2]])
    )


def _table(members: Iterable[Value], head: str) -> Iterator[str]:
    """The rows; what is said over several values stands beside the first of them."""
    yield "| value | default | |\n| --- | --- | --- |\n"
    before = head
    for value in members:
        said = value.comment or (value.about if value.about != before else "")
        before = value.about
        yield f"| `{value.path}` | {_default(value.default)} | {_cell(said)} |\n"


def _default(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"`{_cell(text)}`" if len(text) <= LONGEST_DEFAULT else "in values.yaml"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
