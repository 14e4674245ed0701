"""Hostile clients and upstreams against the proxy, beside ordinary users: the parts of `show-abuse`."""
