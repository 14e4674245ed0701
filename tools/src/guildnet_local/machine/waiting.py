"""Waiting for a condition, with a deadline and with what to look at when it passes."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from guildnet_local.machine.process import Record, tail
from guildnet_local.settings import LocalError


def until(true: Callable[[], bool], what: str, *, seconds: float, of: tuple[Record, ...] = ()) -> None:
    """Return when `true()` is. Raises LocalError naming `what` after `seconds`, or at once when a process ended."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while not true():
        for record in of:
            if not record.alive:
                raise LocalError(f"{record.name} ended; the end of its log, {record.log}:\n{tail(Path(record.log))}")
        if time.monotonic() > deadline:
            logs = "".join(f"\n  {record.log}:\n{tail(Path(record.log))}" for record in of)
            raise LocalError(f"{what}: not within {seconds:g} s{logs}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def answers(url: str, ca: Path) -> bool:
    """Whether an HTTPS address with a certificate of our authority answers 200."""
    try:
        context = ssl.create_default_context(cafile=str(ca))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
