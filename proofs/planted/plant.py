"""A fault of the product that a proof has to notice: in one file of a copy of the checkout, one text for another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plant:
    """One fault for one proof. `was` stands exactly once in `file`, a path of the checkout; `becomes` is put for it."""

    word: str
    what: str
    """The fault, in words that fit behind "planted:"."""
    file: str
    was: str
    becomes: str
    quick: bool = False
    """Whether the proof's short form is enough to notice it."""
    cluster: bool = False
    """Whether the proof deploys to the local cluster, or makes and removes it."""
    gate: str = ""
    """The one gate that the fault has to break, of a proof that measures several apart and names what it missed."""

    def fits(self, checkout: Path) -> bool:
        """Does the text stand where it has to, once?"""
        file = checkout / self.file
        return file.is_file() and file.read_text().count(self.was) == 1 and self.was != self.becomes

    @contextmanager
    def planted(self, checkout: Path) -> Iterator[None]:
        """The fault is in this checkout until the block ends. Raises AssertionError where it does not fit."""
        assert self.fits(checkout), f"{self.file} does not have the text that the fault for {self.word} replaces"
        file = checkout / self.file
        text = file.read_text()
        file.write_text(text.replace(self.was, self.becomes))
        try:
            yield
        finally:
            file.write_text(text)
