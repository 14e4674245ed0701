"""A canary in the logs of the real cluster: counted lines, readers that come back, everything between them killed."""
