"""Every proof tried without its planted fault and with it: the fault, and it alone, has to turn what the proof says."""

from __future__ import annotations

from proofs import Figure, words
from proofs.planted import registry, trial

ITSELF = "proofs"
"""This one has no planted fault of the product: a test shows that it says so when a proof does not notice one."""


def prove() -> Figure:
    """Met when there is a planted fault for every other proof and all are caught.

    What a proof says of the product is its own figure; one that is missed as the product is gets named here.
    """
    found = trial.run(registry.PLANTS)
    without = sorted({*words()} - {ITSELF} - {plant.word for plant in registry.PLANTS})
    for word in without:
        print(f"  {word} has no planted fault")
    caught = sum(item.caught for item in found)
    text = f"{len(words()) - 1} proofs, {len(found)} planted faults, {caught} caught, {len(without)} proofs without one"
    if unmet := sorted({item.plant.word for item in found if not item.without.met}):
        text += f"; missed here without a fault: {', '.join(unmet)}"
    return Figure(text, caught == len(found) and not without)
