"""`python -m proofs WORD`: runs one proof; see the package's docstring."""

from __future__ import annotations

import importlib
import sys

import proofs


def main() -> int:
    known = proofs.words()
    if len(sys.argv) != 2 or sys.argv[1] not in known:
        print(f"usage: make show-WORD, with one of: {', '.join(known)}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"proofs.{sys.argv[1].replace('-', '_')}")
    figure: proofs.Figure = module.prove()
    print(f"{sys.argv[1]}: {figure.text} – {'met' if figure.met else 'MISSED'}")
    return 0 if figure.met else 1


if __name__ == "__main__":
    sys.exit(main())
