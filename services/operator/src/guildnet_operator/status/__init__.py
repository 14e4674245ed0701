"""Status: what a Workspace and its children are, said as phase, conditions and addresses. Pure."""
