"""Sync: the writes that bring the children of a Workspace in line with its plan."""
