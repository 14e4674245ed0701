"""Two proxies behind a Service, their users, and a restart of one after the other: the parts of `show-rolling-restart`."""
