"""What the test rings share: a real API server, a real Redis, waiting for a condition."""
