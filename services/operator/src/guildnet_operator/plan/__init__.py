"""Plan: what the children of a Workspace should be, by its spec and the policy of the install. Pure."""
