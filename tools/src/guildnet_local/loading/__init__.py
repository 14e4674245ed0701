"""Images of a person's own: where they are on this machine, and the archive that containerd imports."""
