"""Request handlers: each reads its request, calls the pure parts and returns a response. One module per subject."""
