"""The copy of Workspaces, pods, events and Capabilities that requests are answered from."""
