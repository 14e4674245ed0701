"""Malformed and ambiguous HTTP/1.1, replayed through the proxy to real servers, and answers that break the rules."""
