"""An install with every entry in one process, whose workspaces' pods are servers of the proof: what `show-sessions`,
`show-isolation` and `show-forgery` visit."""
