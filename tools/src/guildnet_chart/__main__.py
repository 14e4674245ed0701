"""`python -m guildnet_chart crds [--check]`: write the chart's CRD templates from `crds/`, or say what differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from guildnet_chart import crds

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="guildnet_chart", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("crds", help="the CustomResourceDefinitions")
    command.add_argument("--check", action="store_true", help="change nothing; fail when something would change")
    command.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: the one this program is in)")
    chosen = parser.parse_args(arguments)
    try:
        return _crds(chosen.root, check=chosen.check)
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
    found = crds.differences(wanted, directory)
    for line in found:
        print(f"charts/guildnet/templates/crds/{line}", file=sys.stderr)
    if found:
        print("run: python -m guildnet_chart crds", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
