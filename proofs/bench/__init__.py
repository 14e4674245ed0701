"""The benchmark suite: guildnet's proxy beside its peers, compared only within one run.

`python -m proofs.bench --help` from the root of the repository says what can be set. Nothing here is a test: a slow run
is a figure, not a failure. What does fail a run is a proxy that answers wrongly.
"""
