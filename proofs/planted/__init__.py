"""Planted faults: for every proof one fault of the product that it has to notice, or the proof proves nothing.

A fault is a text in one file, put for another in a copy of the checkout; nothing of it is in what ships. A proof
catches it when it is met without the fault, and with it says MISSED with exit status 1. A fault for one gate of a proof
that measures many has to turn that gate; another may be missed both times. `make show-proofs` tries all,
`python -m proofs.planted WORD…` some.
"""
