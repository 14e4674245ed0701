"""`up` and `down` five times in a row: nothing of the cluster outlives `down` outside the cache.

Two ways to see that: names that only the cluster has must not be there, and nothing else may be there that was not
before. Only the first sees what every `down` leaves in the same place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from proofs import Figure
from proofs.machine import names
from proofs.machine.looks import LOOKS, TEMPORARY
from support.local import ROOT

CYCLES, FEW = 5, 1


def local(command: str) -> float:
    started = time.monotonic()
    environment = os.environ | {"TMPDIR": str(TEMPORARY)}
    subprocess.run([sys.executable, "-m", "guildnet_local", command], check=True, cwd=ROOT, env=environment)
    return time.monotonic() - started


def prove(*, quick: bool = False) -> Figure:
    cycles = FEW if quick else CYCLES
    local("down")
    before = {what: look() for what, look in LOOKS.items()}
    times = []
    for number in range(1, cycles + 1):
        up, down = local("up"), local("down")
        times.append((up, down))
        print(f"  cycle {number}: up {up:.1f} s, down {down:.1f} s")
    leaks = [f"{what}: {item}" for what, look in LOOKS.items() for item in sorted(look() - before[what])]
    there = names.left()
    for leak in (*leaks, *there):
        print(f"  left behind: {leak}")
    # `make down && make up` is the promise; this `up` leaves the machine as a person expects it.
    subprocess.run([sys.executable, "-m", "guildnet_local", "up"], check=True, cwd=ROOT)
    shutil.rmtree(TEMPORARY)
    up, down = (max(seconds) for seconds in zip(*times, strict=True))
    return Figure(
        f"{cycles} cycles, slowest up {up:.0f} s, slowest down {down:.0f} s; left behind: {len(leaks)} that were not "
        f"there before, {len(there)} of the cluster's own names",
        not leaks and not there,
    )
