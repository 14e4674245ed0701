"""Where lines come from: reading a container's log, following it, and the level of a line."""
