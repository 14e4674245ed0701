"""Asks /healthz again and again in a process of its own: `python -m proofs.readers.probe PORT SECONDS`.

Prints the milliseconds of each answer as one JSON list. One request at a time, 20 ms after the last.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import time
from typing import Final

from proofs import PYTHON_PATH, ROOT

PAUSE_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 30.0


def times(port: int, seconds: float) -> list[float]:
    """Milliseconds of each answer. Raises OSError where there is none."""
    found, until = [], time.monotonic() + seconds
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.read() == b"ok", answer.status
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_SECONDS)
    return found


async def probed(port: int, seconds: float) -> list[float]:
    """The same, from a process that goes before others: it is to be the server that is measured."""
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", "-10", sys.executable, "-m", "proofs.readers.probe", str(port), str(seconds),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": PYTHON_PATH},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, "no answer to /healthz"
    return [float(each) for each in json.loads(said)]


if __name__ == "__main__":
    print(json.dumps(times(int(sys.argv[1]), float(sys.argv[2]))))
