"""Requests of Workspaces to be reached past the proxy, and what each has to become."""
