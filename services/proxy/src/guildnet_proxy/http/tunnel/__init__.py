"""TCP carried in a client's WebSocket: one connection to a port, its bytes in binary messages."""
