"""The chart is valid in each version of Kubernetes that it is for; each value is explained and has an effect."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import yaml

from guildnet_chart.values import Value, common, read
from guildnet_local.build.programs import ensure
from proofs import Figure
from proofs.charting import effects
from proofs.charting.schemas import VERSIONS, belongs_to_others, problems, types_of
from support.chart import CHART
from unit.chart.rendered import MATRIX

VALUES: Final = (CHART / "values.yaml").read_text()
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COMPONENTS: Final = frozenset({"api", "proxy", "operator", "valkey"})


class Refused(Exception):  # noqa: N818  Helm's answer, not a malfunction
    """Helm did not render; the text is what it said."""


class Helm:
    """The pinned Helm, without a cluster and without anybody's settings."""

    def __init__(self, home: str) -> None:
        self._program = str(ensure(["helm"])["helm"])
        self._environment = {"PATH": os.defpath, **{f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}}

    def render(self, given: dict[str, Any], kubernetes: str = "") -> str:
        """The manifests as text. Raises Refused."""
        command = [self._program, "template", "guildnet", str(CHART), "--namespace", "guildnet", "--values", "-"]
        command += ["--kube-version", kubernetes] if kubernetes else []
        done = subprocess.run(
            command,
            input=json.dumps(given),
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip())
        return done.stdout


def variants() -> dict[str, dict[str, Any]]:
    """The installs that the tests render, and the one with all that goes together."""
    return {**MATRIX, "everything": dict(effects.ON), "everything but a tailnet": dict(effects.WITHOUT_TAILNET)}


def invalid(helm: Helm, version: str) -> list[str]:
    """What is wrong with any variant in a version of Kubernetes."""
    types, found = types_of(version), []
    for name, given in variants().items():
        try:
            items = [item for item in yaml.load_all(helm.render(given, f"{version}.0"), _LOADER) if item]
        except Refused as refused:
            found.append(f"{name}: {refused}")
            continue
        judged = [item for item in items if not belongs_to_others(item)]
        found += [f"{name}: {item['metadata']['name']}: {text}" for item in judged for text in problems(item, types)]
    return found


def unexplained(every: list[Value]) -> list[str]:
    """Values without a comment: over it, over one before it in its group, or over the group."""
    explained: set[str] = set()
    missing, shared = [], common(VALUES)
    for value in every:
        group, _, _ = value.path.rpartition(".")
        if value.comment:
            explained.add(group)
        top, _, rest = value.path.partition(".")
        of_all = top in COMPONENTS and rest.partition(".")[0] in shared
        if not (value.comment or value.about or group in explained or of_all):
            missing.append(value.path)
    return missing


def without_schema(every: list[Value]) -> list[str]:
    """Values that values.schema.json does not name: it refuses what it does not know, so each has to be there."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    return [value.path for value in every if not _named(schema, value.path.split("."), schema)]


def _named(node: dict[str, Any], path: list[str], schema: dict[str, Any]) -> bool:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if not path:
        return True
    below = node.get("properties", {}).get(path[0]) or node.get("additionalProperties")
    return isinstance(below, dict) and _named(below, path[1:], schema)


def without_effect(helm: Helm, every: list[Value]) -> list[str]:
    """Values whose change changes nothing that is rendered, or is refused."""
    base: dict[str, str] = {}

    def plain(given: dict[str, Any]) -> str:
        key = json.dumps(given, sort_keys=True)
        if key not in base:
            base[key] = _settled(helm.render(given))
        return base[key]

    def judged(value: Value) -> str:
        given = effects.context(value.path)
        now = effects.at(given, value.path, value.default)
        try:
            after = _settled(helm.render(effects.changed(given, value.path, effects.another(value, now))))
        except Refused as refused:
            # A check of the chart's own says the way out: that is an effect. A wrong kind is a fault of this proof.
            return f"{value.path}: refused: {str(refused).splitlines()[-1]}" if "at '/" in str(refused) else ""
        return "" if after != plain(given) else f"{value.path}: nothing changes"

    with ThreadPoolExecutor(2) as pool:
        return [said for said in pool.map(judged, every) if said]


def _settled(text: str) -> str:
    """Without what is random in each rendering."""
    secret = ("  identity: ", "  password: ", "  url: ", "  valkey.conf: ")
    return "\n".join(line for line in text.splitlines() if not line.startswith(secret))


def prove() -> Figure:
    """Met when every variant is valid everywhere, and no value is without comment, schema or effect."""
    every = read(VALUES)
    with tempfile.TemporaryDirectory() as home:
        helm = Helm(home)
        wrong = {version: invalid(helm, version) for version in VERSIONS}
        for version, found in wrong.items():
            print(f"  Kubernetes {version}: {len(variants())} variants, {len(found)} problems")
            for text in found[:10]:
                print(f"    {text}")
        lacking = {
            "comment": unexplained(every), "schema": without_schema(every), "effect": without_effect(helm, every),
        }  # fmt: skip
    for what, paths in lacking.items():
        for path in paths:
            print(f"  without {what}: {path}")
    bad = sum(map(len, wrong.values()))
    counts = ", ".join(f"without {what} {len(paths)}" for what, paths in lacking.items())
    text = f"{len(variants())} variants × {len(VERSIONS)} versions of Kubernetes, {bad} problems; {len(every)} values, "
    text += counts
    return Figure(text, not bad and not any(lacking.values()))
