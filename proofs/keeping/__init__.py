"""Ways in which a workspace ends or moves, and what became of a file in it."""
