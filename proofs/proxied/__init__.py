"""The proxy's own process on loopback with workspaces of a proof behind it, and what is said to it byte by byte."""
