"""Servers that send every message back."""
