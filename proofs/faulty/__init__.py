"""Faulty workspaces on the real cluster: what is wrong with each, and what its conditions have to say about it."""
