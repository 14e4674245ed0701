"""The chart in a cluster: its values, Helm, and waiting until everything answers."""
