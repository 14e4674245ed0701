"""Expected results in a YAML file, one for each named case; rewritten with `--update-golden`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml


def expected(file: Path, cases: Iterable[str], case: str, result: Any, *, update: bool) -> Any:
    """What the file says of a case; with `update` the result is written there first, and cases that are gone go."""
    known = _cases(file.read_text()) if file.exists() else {}
    if update:
        known = {name: result if name == case else known[name] for name in cases if name == case or name in known}
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(known, sort_keys=False, width=120, allow_unicode=True))
    assert case in known, f"{file.name} does not have {case}: run with --update-golden and look at what it says"
    return known[case]


@cache
def _cases(text: str) -> dict[str, Any]:
    """Read once for all cases, by the parser in C: a golden file has a thousand lines."""
    cases: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader) or {}
    return cases
