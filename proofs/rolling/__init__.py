"""Two proxies behind a Service, restarted in turn among their users: the parts of `show-rolling-restart`."""
