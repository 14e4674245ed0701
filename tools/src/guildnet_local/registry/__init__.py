"""Registries of images: which one is meant, who logs in there, whether it answers, and pushing to it."""
