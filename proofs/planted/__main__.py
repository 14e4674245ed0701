"""`python -m proofs.planted [WORD…]`: tries the planted faults of these proofs, of all where none is named."""

from __future__ import annotations

import argparse
import sys

from proofs.planted import registry, trial


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proofs.planted", description="Try the planted faults of proofs.")
    parser.add_argument(
        "words", nargs="*", metavar="WORD", choices=[[], *sorted({plant.word for plant in registry.PLANTS})]
    )
    found = trial.run(registry.of(parser.parse_args().words))
    print(f"{len(found)} planted faults, {sum(item.caught for item in found)} caught")
    return 0 if found and all(item.caught for item in found) else 1


if __name__ == "__main__":
    sys.exit(main())
