"""The HTTP/1.1 engine (RFC 9112): connections, framing and streaming; it knows nothing of the product."""
