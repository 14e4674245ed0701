"""The chart's CustomResourceDefinitions, rendered from the hand-edited ones in `crds/`.

The source is taken over as text, comments and all; only a condition, labels and the keep policy are put around it. A
source that does not look as expected is refused instead of being guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

KEEP = "helm.sh/resource-policy"
OWN_LABELS = {"app.kubernetes.io/part-of": "guildnet"}
"""Labels a source may have for use with kubectl alone; the chart's own labels hold them too."""

_HEADER = """\
{{{{- /* Generated from crds/{source} by `python -m guildnet_chart crds`; edit that file instead. */}}}}
{{{{- if .Values.crds.enabled }}}}
"""
_FOOTER = "{{- end }}\n"
_LABELS = """\
  labels:
    {{- include "guildnet.labels" (dict "root" . "component" "crds") | nindent 4 }}
"""


class UnexpectedSourceError(Exception):
    """A file in `crds/` is not one CustomResourceDefinition in the form that can be rendered."""


def template(name: str, source: str) -> str:
    """The Helm template for one file of `crds/`.

    Raises UnexpectedSourceError where the text is not one CustomResourceDefinition in block style.
    """
    _checked(name, source)
    text = source.removeprefix("---\n").rstrip("\n") + "\n"
    text = text.replace("{{", '{{ "{{" }}')
    text = re.sub(r"^  labels:\n(    .*\n)+", "", text, count=1, flags=re.MULTILINE)
    text, annotated = re.subn(
        r"^  annotations:\n", f"  annotations:\n    {KEEP}: keep\n", text, count=1, flags=re.MULTILINE
    )
    added = _LABELS if annotated else f"  annotations:\n    {KEEP}: keep\n{_LABELS}"
    text = re.sub(r"^metadata:\n", f"metadata:\n{added}", text, count=1, flags=re.MULTILINE)
    return _HEADER.format(source=name) + text + _FOOTER


def _checked(name: str, source: str) -> None:
    documents: list[Any] = list(yaml.safe_load_all(source))
    if len(documents) != 1 or not isinstance(documents[0], Mapping):
        raise UnexpectedSourceError(f"{name}: want one YAML document, found {len(documents)}")
    found = documents[0]
    if found.get("kind") != "CustomResourceDefinition":
        raise UnexpectedSourceError(f"{name}: kind is {found.get('kind')!r}, want CustomResourceDefinition")
    if not re.search(r"^metadata:\n", source, flags=re.MULTILINE):
        raise UnexpectedSourceError(f"{name}: `metadata:` must stand on a line of its own")
    metadata = found["metadata"]
    if metadata.get("labels", OWN_LABELS) != OWN_LABELS or KEEP in metadata.get("annotations", {}):
        raise UnexpectedSourceError(f"{name}: further labels and the keep policy are put in by the chart, not here")
    if "annotations" in metadata and len(re.findall(r"^  annotations:\n", source, flags=re.MULTILINE)) != 1:
        raise UnexpectedSourceError(f"{name}: metadata.annotations must be a block of its own, indented by two")


def target_name(source: Path) -> str:
    """`guildnet.io_workspaces.yaml` → `workspaces.yaml`: the chart names files by kind."""
    return source.name.rpartition("_")[2]


def rendered(sources: Path) -> dict[str, str]:
    """File name in the chart → text, for every file of `crds/`.

    Raises UnexpectedSourceError, also when there is no source at all.
    """
    files = sorted(sources.glob("*.yaml"))
    if not files:
        raise UnexpectedSourceError(f"{sources}: no *.yaml there")
    return {target_name(file): template(file.name, file.read_text()) for file in files}


def differences(wanted: Mapping[str, str], directory: Path) -> list[str]:
    """What stands in the chart and should not, or the other way round; empty when all is as it should be."""
    present = {file.name: file.read_text() for file in directory.glob("*.yaml")} if directory.is_dir() else {}
    missing = [f"{name}: missing" for name in wanted if name not in present]
    stale = [f"{name}: has no source in crds/" for name in present if name not in wanted]
    other = [f"{name}: differs from its source" for name, text in wanted.items() if present.get(name, text) != text]
    return sorted(missing + stale + other)


def write(wanted: Mapping[str, str], directory: Path) -> list[str]:
    """Make the directory hold exactly these files; returns what had to change."""
    changed = differences(wanted, directory)
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.yaml"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text)
    return changed
