"""Several processes at one port: what starts them, what they share, and what is told of all of them together."""
