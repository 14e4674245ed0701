"""What becomes of a request: an answer of our own, a refusal, or an upstream to forward it to."""
