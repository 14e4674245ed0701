"""What changes in the heads of requests and responses on their way through."""
