"""Apps that people run as workspaces, opened in a real browser by every entry: the parts of `show-apps`."""
