"""`make dev`: the install on the local cluster runs this checkout's sources, and a change is there in seconds."""
