"""Faults that `guildnet doctor` has to name: of the way to an install, and of the cluster it runs in."""
