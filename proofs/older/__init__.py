"""The UI of the first generation, as far as it speaks to the server, and what it expects of the answers."""
