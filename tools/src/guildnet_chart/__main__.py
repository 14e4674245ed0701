"""`python -m guildnet_chart PART [--check]`: write what the chart has from other files, or say what differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from guildnet_chart import crds, readme

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="guildnet_chart", description=__doc__)
    parser.add_argument(
        "part", choices=["all", "crds", "readme"], help="the CustomResourceDefinitions, the README, or both"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something would change")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: the one this program is in)")
    chosen = parser.parse_args(arguments)
    parts = {"crds": _crds, "readme": _readme}
    try:
        return max(
            part(chosen.root, check=chosen.check) for name, part in parts.items() if chosen.part in ("all", name)
        )
    except crds.UnexpectedSourceError as error:
        print(f"guildnet_chart: {error}", file=sys.stderr)
        return 1


def _crds(root: Path, *, check: bool) -> int:
    wanted = crds.rendered(root / "crds")
    directory = root / "charts" / "guildnet" / "templates" / "crds"
    if not check:
        for line in crds.write(wanted, directory) or ["nothing to change"]:
            print(f"charts/guildnet/templates/crds: {line}")
        return 0
    return _told([f"templates/crds/{line}" for line in crds.differences(wanted, directory)])


def _readme(root: Path, *, check: bool) -> int:
    chart = root / "charts" / "guildnet"
    wanted = readme.rendered((chart / "Chart.yaml").read_text(), (chart / "values.yaml").read_text())
    file = chart / "README.md"
    same = file.is_file() and file.read_text() == wanted
    if not check:
        file.write_text(wanted)
        print(f"charts/guildnet/README.md: {'nothing to change' if same else 'written'}")
        return 0
    return _told([] if same else ["README.md: differs from values.yaml and Chart.yaml"])


def _told(found: Sequence[str]) -> int:
    for line in found:
        print(f"charts/guildnet/{line}", file=sys.stderr)
    if found:
        print("run: make generate", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
