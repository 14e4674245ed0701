"""Workspaces by the thousand: what an operator makes of them, how fast, at what cost."""
