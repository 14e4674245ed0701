"""The Tailscale sidecar: who a peer is, this node's name, which ports are served."""
