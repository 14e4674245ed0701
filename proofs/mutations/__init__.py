"""Every leaf of a Workspace's spec, changed once to something valid and once to something that is not."""
