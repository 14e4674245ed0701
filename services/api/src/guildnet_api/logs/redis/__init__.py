"""Log lines shared between replicas through Redis: one tail per run, written by the replica that holds its lease."""
