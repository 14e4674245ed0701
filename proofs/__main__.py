"""`python -m proofs WORD [--quick]`: runs one proof; see the package's docstring."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys

import proofs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proofs", description="Prove one promise of the product.")
    parser.add_argument("word", choices=proofs.words())
    parser.add_argument("--quick", action="store_true", help="the short form, where the proof has one")
    chosen = parser.parse_args()
    module = importlib.import_module(f"proofs.{chosen.word.replace('-', '_')}")
    if chosen.quick and "quick" not in inspect.signature(module.prove).parameters:
        parser.error(f"{chosen.word} has no short form")
    figure: proofs.Figure = module.prove(quick=True) if chosen.quick else module.prove()
    if figure.missed:
        print(f"{proofs.MISSED_GATES}{', '.join(figure.missed)}")
    print(f"{chosen.word}: {figure.text} – {'met' if figure.met else 'MISSED'}")
    return 0 if figure.met else 1


if __name__ == "__main__":
    sys.exit(main())
