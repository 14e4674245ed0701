"""One small module for each promise that `make show-<word>` proves.

A module `some_word` answers `show-some-word`: its `prove()` does the work, printing progress as it likes, and returns a
`Figure`. The figure is the last line printed; a missed one makes the exit status 1. A proof that takes long has a short
form, `prove(quick=True)`, which asks the same of less.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
"""The checkout."""
PYTHON_PATH: Final = os.pathsep.join(
    map(
        str,
        (
            *(ROOT, ROOT / "tests", ROOT / "libs/guildnet/src", *sorted(ROOT.glob("services/*/src"))),
            *(ROOT / "tools/src", ROOT / "cli/src"),
        ),
    )
)
"""Where processes that a proof starts find `proofs`, the tests' `support` and the product: all of this checkout, also
when it is a copy of the one that was installed."""


MISSED_GATES: Final = "  missed gates: "
"""How the line begins that names them, where a proof names any; commas are between."""


def words() -> list[str]:
    """What may follow `show-`: the modules of this package, sorted."""
    found = (item.name for item in pkgutil.iter_modules(__path__) if not item.ispkg and item.name != "__main__")
    return sorted(name.replace("_", "-") for name in found)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in one line, and whether it is within its bound.

    A proof of several gates that are measured apart names those it missed.
    """

    text: str
    met: bool
    missed: Sequence[str] = ()
