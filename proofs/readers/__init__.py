"""Clients of an api process for the proofs of what readers cost each other."""
