"""Which tickets are used up: each is good once, in whichever process it is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class UsedTickets(Protocol):
    """Remembers tickets until they expire by themselves."""

    def use(self, ticket: str, expires: float, now: float) -> bool:
        """Uses it up; False where it already was. `expires` and `now` are Unix seconds."""
        ...


class UsedHere:
    """Those that this process has seen."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}

    def use(self, ticket: str, expires: float, now: float) -> bool:
        if ticket in self._used:
            return False
        self._used = {used: until for used, until in self._used.items() if until >= now}
        self._used[ticket] = expires
        return True


class UsedInFolder:
    """Those that any process with this folder has seen: a file each, which only one can make.

    A ticket's id is of our own making, hexadecimal digits: nobody else's text becomes a file's name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def use(self, ticket: str, expires: float, now: float) -> bool:
        for used in self._folder.iterdir():
            if used.stat().st_mtime < now:
                used.unlink(missing_ok=True)
        path = self._folder / ticket
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        os.utime(path, (expires, expires))
        return True
