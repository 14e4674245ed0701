"""Secrets that are planted in launches, patches and presets, and the places where they are searched for."""
