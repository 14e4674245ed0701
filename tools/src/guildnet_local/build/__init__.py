"""Upstream programs: which there are, how each is compiled from pinned Go modules, where builds are kept."""
