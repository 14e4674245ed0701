"""A workspace's files are kept where its status said so, and lost only where it said that: by every way it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from proofs import Figure
from proofs.keeping.play import Outcome, play
from proofs.keeping.ways import WAYS
from support.local import Local, bring_up, guildnet_local

AT_ONCE = 4


def prove() -> Figure:
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = pool.map(lambda way: play(local, way), [way for way in WAYS if not way.alone])
        found: list[Outcome] = list(together)
    found += [play(local, way) for way in WAYS if way.alone]
    for outcome in found:
        print(f"  {outcome}")
    good = sum(outcome.good for outcome in found)
    kept = sum(outcome.kept is True for outcome in found)
    text = f"{good} of {len(found)} ways did to the files what the status had said ({kept} kept them)"
    return Figure(text, good == len(found) >= 12)
