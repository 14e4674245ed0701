"""HTTP/1.1 messages (RFC 9112): fields, heads and bodies; nothing here knows a connection."""
