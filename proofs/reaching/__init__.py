"""A network of its own in which every address is a canary, a proxy in it, and targets it must not reach."""
