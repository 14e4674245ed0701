"""Load of every kind through the proxy to an upstream that fails in every way, each answer checked."""
