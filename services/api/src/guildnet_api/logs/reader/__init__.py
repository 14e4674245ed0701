"""What one reader of a log is sent: its cursor, the events of its stream, all containers in one, a plain list."""
