"""Changes that no test can tell from the original, each with the reason; an entry that fits nothing is an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from proofs.mutating.operators import Mutant

FILE: Final = Path(__file__).with_name("accepted.yaml")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One entry: which change of which line, and why it changes nothing."""

    module: str
    place: str
    operator: str
    line: str
    before: str
    nth: int
    reason: str

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        return self.module, self.place, self.operator, self.line, self.before, self.nth


def read(file: Path = FILE) -> list[Accepted]:
    """The entries of the file, by module and place."""
    found = []
    for module, entries in (yaml.safe_load(file.read_text()) or {}).items():
        for item in entries:
            reason = str(item["reason"]).strip()
            assert reason, f"{module}: {item['line']}: a change is accepted for a reason"
            found.append(
                Accepted(
                    module, item.get("in", ""), item["operator"], item["line"], str(item["before"]), item.get("nth", 0),
                    reason,
                )
            )  # fmt: skip
    return found


def stale(entries: list[Accepted], mutants: list[Mutant], killed: list[Mutant]) -> list[str]:
    """Entries that name no change of today's modules, and entries whose change a test noticed."""
    known, noticed = {mutant.key for mutant in mutants}, {mutant.key for mutant in killed}
    said = []
    for entry in entries:
        words = f"{entry.module} {entry.place}: {entry.operator} of {entry.before} in “{entry.line}”"
        if entry.key not in known:
            said.append(f"{words}: there is no such change any more")
        elif entry.key in noticed:
            said.append(f"{words}: a test notices it")
    return said
